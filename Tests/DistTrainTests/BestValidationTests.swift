import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct BestValidationTests {
  @Test func `the best value is kept, and validations since then are counted`() {
    var state = TrainingState()
    for (step, loss) in [(3, 2.0), (6, 1.5), (9, 1.5), (12, 1.9), (15, 1.0)] {
      state.step = step
      state.validated(loss, by: .loss)
      #expect(state.validatedStep == step)
      if step == 12 { #expect(state.bestStep == 6 && state.worseCount == 2) }
    }
    #expect(state.bestStep == 15 && state.bestValue == 1 && state.worseCount == 0)
  }

  @Test func `an accuracy of nothing is a first best, and an equal one is no better`() {
    var state = TrainingState()
    for (step, accuracy) in [(1, 0.0), (2, 0.0), (3, 0.4), (4, 0.4)] {
      state.step = step
      state.validated(accuracy, by: .accuracy)
    }
    #expect(state.bestStep == 3 && state.worseCount == 1)
  }

  private static func train(
    _ tiny: TinyRun, _ output: String, _ more: [String]
  ) throws -> CommandResult {
    let constant = ["lr_scheduler_type=constant", "warmup_steps=0", "eval_steps=1"]
    let result = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings(output, constant + more))
    try #require(result.status == 0, "\(result.errorOutput)")
    return result
  }

  @Test func `a run stops early, and a resumed one knows that it has`() throws {
    let tiny = try TinyRun()
    // Nothing is learned at this rate, so no validation is better than the first.
    let settings = ["learning_rate=0", "early_stopping_patience=2"]
    let stopped = try Self.train(tiny, "run", settings)
    #expect(stopped.errorOutput.contains("stopped early after step 3: no better validation in 2"))
    let files = ["adapter/adapter_model.safetensors", "predictions.jsonl", "results.json"]
    let before = try files.map { try tiny.bytes("run/" + $0) }
    let again = try Self.train(tiny, "run", settings + ["resume_from_checkpoint=auto"])
    #expect(again.errorOutput.contains("resumed    after step 3"))
    #expect(try files.map { try tiny.bytes("run/" + $0) } == before)
  }

  @Test func `the adapter of the best validation is kept`() throws {
    let tiny = try TinyRun()
    let settings = ["learning_rate=1", "metric_for_best_model=accuracy"]
    _ = try Self.train(tiny, "best", settings + ["load_best_model_at_end=true"])
    let state = try JSONParser.parse(tiny.bytes("best/trainer_state.json"))
    let best = try #require(state["best_global_step"]?.intValue)
    let last = try #require(state["global_step"]?.intValue)
    try #require(best < last, "another rate is needed for this test to say anything")
    _ = try Self.train(tiny, "shorter", settings + ["max_steps=\(best)"])
    let file = "adapter/adapter_model.safetensors"
    #expect(try tiny.bytes("best/\(file)") == tiny.bytes("shorter/\(file)"))
    _ = try Self.train(tiny, "last", settings)
    #expect(try tiny.bytes("last/\(file)") != tiny.bytes("best/\(file)"))
  }

  @Test(arguments: ["load_best_model_at_end=true", "early_stopping_patience=2"])
  func `what needs validations is refused without them`(setting: String) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try QuestionSamples.configuration(TinyRun(), ["eval_steps=0", setting])
    }
    #expect(error?.description.contains("needs validations; give eval_steps") == true)
  }
}
