internal import Foundation
internal import Model

/// What is planned for: the data's own sizes where tokenizer and data are there, else what comes nearest.
struct DecoderPlanInputs {
  let sizes: ModelSizes
  let workload: DecoderWorkload
  /// Tokenizer and data, which a run keeps in memory as well.
  private let inputs: RunInputs?

  init(
    _ path: String, _ configuration: RunConfiguration, data: String?, _ options: PlanRun.Options,
    ranks: Int
  ) throws {
    let hasTokenizer = FileManager.default.fileExists(atPath: path + "/tokenizer.json")
    if data != nil, hasTokenizer {
      let inputs = try RunInputs(configuration)
      self.inputs = inputs
      sizes = try ModelSizes(path, inputs.layout.configuration)
      workload = try DecoderWorkload(inputs, sizes, ranks: ranks)
      return
    }
    inputs = nil
    sizes = try ModelSizes(path, configuration.lora)
    guard let data else {
      let tokens = min(options.tokens, configuration.maximumLength)
      workload = DecoderWorkload(
        tokens: tokens, sequences: options.sequences, configuration, sizes, ranks: ranks)
      return
    }
    let dataset = try Dataset(path: data)
    let split = try RunInputs.split(configuration, count: dataset.questions.count)
    workload = DecoderWorkload(
      estimating: configuration, dataset: dataset, split: split, sizes, ranks: ranks)
  }
  /// With what this process has to itself now as the program's part.
  func memory(_ precision: Precision) -> MemoryEstimate {
    MemoryEstimate(
      sizes, training: workload.training, scoring: workload.scoring, precision,
      program: HostMemory.own)
  }
}

/// The same of an encoder, which has to have its data and tokenizer.
struct EncoderPlanInputs {
  let inputs: EncoderInputs
  let workload: Workload
  let training: EncoderPlan
  /// The smallest, a middle and the largest micro-batch.
  let batches: [ChoiceBatch]

  init(_ configuration: RunConfiguration) throws {
    inputs = try EncoderInputs(configuration)
    var data = TrainingData(inputs)
    training = try data.activationPlan(ranks: 1)
    let lengths = try data.firstEpoch().map(inputs.tokenCount)
    workload = Workload(
      lengths: lengths, configuration,
      source: "\(lengths.count) questions, \(Workload.range(lengths)) tokens with their options")
    let all = try (1...data.plan.windowsPerEpoch).flatMap {
      try data.microBatches(ofStep: $0).batches
    }
    batches = MicroBatchProbe.ofEachSize(all.sorted { $0.tokens.count < $1.tokens.count })
  }

  func memory() throws -> MemoryEstimate {
    let scored = try HeldOutQuestions(inputs).all.map(\.choices)
    return try inputs.memory(
      training: training, scoring: EncoderPlan(fitting: scored, keepsForBackward: false),
      program: HostMemory.own)
  }
}
