import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct ScoringItemTests {
  @Test func `every letter is asked for after the prompt's last token`() throws {
    let inputs = try QuestionSamples.inputs(TinyRun(), ["option_order=shuffled"])
    let question = inputs.dataset.questions[5]
    let item = try ScoringItem(question, inputs.scoring)
    let batch = item.requests[0].batch
    #expect(item.requests.count == 1 && batch.sequences.count == 1)
    #expect(Set(batch.targetRows) == [batch.tokens.count - 1])
    #expect(
      batch.targetTokens
        == ["A", "B", "C", "D", "E"].flatMap { inputs.tokenizer.encode(" \($0)") })
    #expect(item.requests[0].terms.map(\.targetCount) == [1, 1, 1, 1, 1])
    #expect(item.order[item.goldPosition] == question.answerIndex)
  }

  @Test func `every option is scored by all of its tokens`() throws {
    let inputs = try QuestionSamples.inputs(TinyRun(), ["score=option", "option_order=shuffled"])
    let question = inputs.dataset.questions[5]
    let item = try ScoringItem(question, inputs.scoring)
    let (batch, terms) = (item.requests[0].batch, item.requests[0].terms)
    #expect(batch.sequences.count == 6, "the prompt, and five continuations")
    #expect(batch.sequences[0].rows.count >= inputs.tokenizer.encode(" Options:").count)
    #expect(terms.map(\.option) == item.order)
    var targets = batch.targetTokens[...]
    for (position, count) in terms.map(\.targetCount).enumerated() {
      let text = " " + question.options[item.order[position]].text
      #expect(inputs.tokenizer.decode(Array(targets.prefix(count))) == text)
      targets = targets.dropFirst(count)
    }
    #expect(targets.isEmpty)
  }

  @Test func `a letter of two tokens is refused with what to do`() throws {
    let tiny = try TinyRun()
    let folder = try TemporaryFolder()
    let options = (0..<6).map { "\"k\($0)\": \"dish \($0)\"" }.joined(separator: ", ")
    let items = (0..<10).map {
      "{\"query\": \"q\($0)\", \"query_type\": {}, \"options\": {\(options)}, \"answer\": \"k0\"}"
    }
    let path = try folder.write("[\(items.joined(separator: ","))]", to: "q.json")
    let inputs = try QuestionSamples.inputs(tiny, ["dataset_path=\(path)"])
    let error = #expect(throws: CommandFailure.self) {
      try ScoringItem(inputs.dataset.questions[4], inputs.scoring)
    }
    #expect(error?.exitCode == 65)
    #expect(
      error?.description.hasPrefix("question 4: the letter F is not one token after the prompt")
        == true, "\(String(describing: error))")
    #expect(error?.description.contains("use score: option") == true)
  }

  @Test func `a prompt that is too long is scored by its end and counted`() throws {
    let inputs = try QuestionSamples.inputs(TinyRun(), ["max_length=40", "option_order=shuffled"])
    let item = try ScoringItem(inputs.dataset.questions[0], inputs.scoring)
    #expect(item.isTruncated)
    #expect(item.requests[0].batch.tokens.count == 39)
    #expect(inputs.tokenizer.decode(item.requests[0].batch.tokens).hasSuffix("\nAnswer:"))
  }

  /// log p of the tokens of `text` after `prompt`, computed alone.
  private static func logLikelihood(
    _ text: String, after prompt: String, _ inputs: RunInputs, _ model: QwenModel
  ) -> Double {
    let context = inputs.tokenizer.encode(prompt)
    var batch = MicroBatch()
    batch.append(inputs.tokenizer.encode(prompt + text), targetsFrom: context.count)
    let activations = ActivationBuffer(
      ActivationPlan(fitting: [batch], keepsForBackward: false), for: model)
    let logs = model.logProbabilities(
      batch, adapter: FloatBuffer(count: inputs.layout.count), activations)
    return logs.reduce(0.0) { $0 + Double($1) }
  }

  /// What every option should be compared by, from its definition.
  private static func expected(
    _ question: Question, _ orders: [[Int]], _ inputs: RunInputs, _ model: QwenModel
  ) -> [Double] {
    let rule = inputs.configuration.score
    let template = inputs.configuration.promptTemplate
    let values = orders.map { order in
      let prompt = template.prompt(question, order: order, chat: inputs.chatTemplate)
      let scores = question.options.indices.map { option -> Double in
        let text = " " + question.options[option].text
        let position = order.firstIndex(of: option) ?? 0
        let score = logLikelihood(
          rule == .letter ? " " + letter(position) : text, after: prompt, inputs, model)
        switch rule {
        case .optionPerCharacter: return score / Double(text.count - 1)
        case .optionMinusUnconditional:
          return score - logLikelihood(text, after: "Answer:", inputs, model)
        default: return score
        }
      }
      return rule == .letter && orders.count > 1 ? softmax(scores) : scores
    }
    return orders[0].map { option in
      let mean = values.reduce(0.0) { $0 + $1[option] } / Double(values.count)
      return rule == .letter && orders.count > 1 ? Foundation.log(mean) : mean
    }
  }

  @Test(
    arguments: ScoreRule.allCases.filter { $0 != .generated }, [OptionOrder.shuffled, .allCyclic])
  func `what is computed together scores as what is computed alone`(
    rule: ScoreRule, order: OptionOrder
  ) throws {
    let tiny = try TinyRun()
    var settings = ["score=\(rule.rawValue)", "option_order=\(order.rawValue)", "max_length=700"]
    for template in rule == .letter ? ["plain"] : ["plain", "open"] {
      settings.append("prompt_template=\(template)")
      let inputs = try QuestionSamples.inputs(tiny, settings)
      let question = inputs.dataset.questions[11]
      let item = try ScoringItem(question, inputs.scoring)
      #expect(item.orders.count == (order == .allCyclic ? 5 : 1))
      let model = try inputs.loadModel(longest: 700, prefetches: false)
      let activations = ActivationBuffer(
        Evaluator.plan(inputs.scoring, fitting: [item]), for: model)
      let sums = item.requests.flatMap { request in
        request.sums(
          model.logProbabilities(
            request.batch, adapter: FloatBuffer(count: inputs.layout.count), activations))
      }
      let expected = Self.expected(question, item.orders, inputs, model)
      for (a, b) in zip(item.scored(sums: sums).scores, expected) {
        #expect(abs(a - b) < 1e-4, "\(rule) \(order) \(template)")
      }
      // A byte is a token here, so what is shared is at least the question.
      let computed = item.requests.reduce(0) { $0 + $1.batch.tokens.count }
      let alone = item.requests.flatMap(\.terms).count * 60
      #expect(rule == .letter && order == .shuffled || computed < alone)
    }
  }

  @Test func `votes of all orders decide what is generated`() throws {
    let question = QuestionSamples.question(answer: 2)
    let orders = [[2, 0, 1, 3, 4], [0, 1, 3, 4, 2], [1, 3, 4, 2, 0]]
    let item = ScoringItem(
      question: question, rule: .generated, orders: orders, isTruncated: false)
    // A is option 2, E is option 2, B is option 3; the order of the scores is that of the first letters.
    let scored = item.scored(generated: ["A", " E) dish", "B"])
    #expect(scored.scores.map { ($0 * 3).rounded() } == [2, 0, 0, 1, 0] && scored.isParsable)
    #expect(!item.scored(generated: ["", "soup", "B or C"]).isParsable)
    let result = try EvaluationResult(
      [item, item], [scored, item.scored(generated: ["", "", ""])], typeNames: [])
    #expect(result.predictions.map(\.predicted) == [0, nil] && result.overall.correct == 1)
    #expect(result.unparsableCount == 1 && result.histograms.predicted == [1, 0, 0, 0, 0])
    #expect(result.summary("held out").contains("1 generated answers name no letter"))
    #expect(result.calibration == nil && result.predictions[0].probabilities == nil)
  }

  @Test func `the controls leave the question out and nothing else`() throws {
    let inputs = try QuestionSamples.inputs(TinyRun(), ["option_order=shuffled"])
    let question = inputs.dataset.questions[5]
    let whole = try ScoringItem(question, inputs.scoring)
    let hidden = try ScoringItem(question, inputs.scoring, hidesQuestion: true)
    #expect(hidden.order == whole.order && hidden.question == question)
    let text = inputs.tokenizer.decode(hidden.requests[0].batch.tokens)
    #expect(
      text
        == inputs.tokenizer.decode(whole.requests[0].batch.tokens).replacing(
          question.query, with: ""))
  }
}
