import Glibc
import Model

/// Tokens per second of training steps of an encoder: forward, backward, clipping and AdamW, dropout on.
///
/// usage: EncoderBenchmark MODEL QUESTIONS.json [questions per step] [threads] [float32 | bfloat16] [steps]
@main
struct EncoderBenchmark {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 2 else {
      return print(
        "usage: EncoderBenchmark MODEL QUESTIONS.json [questions] [threads] [precision] [steps]")
    }
    func number(_ index: Int, _ fallback: Int) -> Int {
      arguments.count > index ? Int(arguments[index]) ?? fallback : fallback
    }
    let precision = arguments.count > 5 ? Precision(rawValue: arguments[5]) ?? .float32 : .float32
    precision.setThreadCount(number(4, 2))
    let batches = try batches(arguments[1], arguments[2], perStep: number(3, 8))
    let model = EncoderModel(
      try EncoderConfiguration(modelFolder: arguments[1]), precision: precision)
    var training = Training(model, try model.parameters(folder: arguments[1], seed: 42), batches)
    _ = training.step(batches[0])
    training.activations.scratch.profile.enable()
    var tokens = 0
    let before = clock()
    let time = ContinuousClock().measure {
      for index in 1...number(6, 20) {
        let batch = batches[index % batches.count]
        tokens += batch.tokens.count
        print("step \(index): loss \(training.step(batch))")
      }
    }
    let seconds = time / .seconds(1)
    let processor = Double(clock() - before) / Double(CLOCKS_PER_SEC)
    print("\(Int(Double(tokens) / seconds)) tokens/s, \(tokens) tokens in \(seconds) s")
    print("\(Int(Double(tokens) / processor)) tokens per second of processor time")
    for part in PassProfile.Part.allCases {
      print("\(part): \(training.activations.scratch.profile.seconds(part)) s")
    }
    print("update: \(training.updateSeconds) s")
  }

  private static func batches(
    _ model: String, _ data: String, perStep: Int
  ) throws -> [ChoiceBatch] {
    let tokenizer = try EncoderTokenizer(folder: model)
    let questions = try questions(data)
    return stride(from: 0, to: questions.count - perStep + 1, by: perStep).map { first in
      var batch = ChoiceBatch()
      for (query, options) in questions[first..<first + perStep] {
        batch.append(
          options.map { tokenizer.pair(query, $0, maximumLength: 128) }, answer: 0)
      }
      return batch
    }
  }

  private static func questions(_ path: String) throws -> [(query: String, options: [String])] {
    let file = try MappedFile(path: path)
    let items = try JSONParser.parse(file.bytes(0..<file.count)).arrayValue ?? []
    return items.compactMap { item in
      guard let query = item["query"]?.stringValue, let options = item["options"]?.objectValue
      else { return nil }
      return (query, options.values.compactMap(\.stringValue))
    }
  }
}

/// A model that is trained, with its optimizer.
private struct Training: ~Copyable {
  let model: EncoderModel
  let parameters: FloatBuffer, gradients: FloatBuffer
  let first: FloatBuffer, second: FloatBuffer
  let activations: EncoderActivations
  private let sections: [(range: Range<Int>, decays: Bool)]
  private var steps = 0
  private(set) var updateSeconds = 0.0

  init(_ model: EncoderModel, _ parameters: consuming FloatBuffer, _ batches: [ChoiceBatch]) {
    self.model = model
    self.parameters = parameters
    gradients = FloatBuffer(count: model.layout.count)
    first = FloatBuffer(count: model.layout.count)
    second = FloatBuffer(count: model.layout.count)
    activations = EncoderActivations(
      EncoderPlan(fitting: batches, keepsForBackward: true), for: model)
    sections = model.layout.decaySections
  }

  /// Returns the mean loss.
  mutating func step(_ batch: ChoiceBatch) -> Double {
    steps += 1
    let clock = ContinuousClock()
    var update = clock.measure { gradients.zero() }
    let lossSum = model.forwardBackward(
      batch, parameters: parameters,
      dropout: EncoderDropout(model.configuration, seed: 42, microBatch: steps), loss: ChoiceLoss(),
      accumulatingInto: gradients, activations)
    let count = batch.questions.count
    update += clock.measure {
      let norm = GradientClipping.squaredNorm(gradients.span).squareRoot() / Double(count)
      let scale = GradientClipping.coefficient(norm: norm, maximum: 1) / Float(count)
      for (range, decays) in sections {
        AdamW(weightDecay: 0.01).update(
          parameters, from: range.lowerBound, gradients.span.extracting(range), firstMoment: first,
          secondMoment: second, gradientScale: scale, learningRate: 5e-5, step: steps,
          decays: decays)
      }
    }
    updateSeconds += update / .seconds(1)
    return lossSum / Double(count)
  }
}
