internal import Collective
internal import Foundation
internal import Model

/// What a training step reaches on this machine, and what its products alone would.
struct Benchmark: Sendable {
  /// One kind of work with its seconds per step, on the root.
  struct Share: Sendable {
    let name: String
    let seconds: Double
  }
  let modelPath: String
  let precision: Precision
  let ranks: Int, threads: Int
  let steps: Int, tokensPerStep: Double
  /// Of the root's steps: the median.
  let secondsPerStep: Double
  /// Operations of products per step over all ranks.
  let operationsPerStep: Double
  let rate: ProductRate
  let shares: [Share]

  var tokensPerSecond: Double { tokensPerStep / secondsPerStep }
  /// Operations per second of all ranks in the step.
  var reached: Double { operationsPerStep / secondsPerStep }
  /// Operations per second of all ranks in products alone.
  var limit: Double { rate.whole * Double(ranks) }

  /// Measures products, then `steps` steps after one that is not counted; all ranks at once.
  static func run(
    _ configuration: RunConfiguration, steps: Int, productSeconds: Double, _ job: borrowing Job
  ) throws -> Benchmark {
    let configuration = try CrossValidation.first(of: configuration)
    return try configuration.isEncoder
      ? run(EncoderInputs.self, configuration, steps: steps, productSeconds: productSeconds, job)
      : run(RunInputs.self, configuration, steps: steps, productSeconds: productSeconds, job)
  }

  private static func run<Inputs: TrainingInputs>(
    _ kind: Inputs.Type, _ configuration: RunConfiguration, steps: Int, productSeconds: Double,
    _ job: borrowing Job
  ) throws -> Benchmark {
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    job.enter(.load)
    let inputs = try job.load { try Inputs(configuration) }
    var data = TrainingData(inputs)
    let plan = try job.load { try data.activationPlan(ranks: job.ranks.worldSize) }
    let learner = try job.load {
      try inputs.load(
        training: plan, scoring: [], texts: [], prefetches: job.ranks.localRank == 0)
    }
    let windows = try job.load { try (1...steps + 1).map { try data.microBatches(ofStep: $0) } }
    let tokens = windows.flatMap { $0.batches.map(\.tokens.count) }
    let work = try job.load {
      try (1...steps + 1).map { try data.window(ofStep: $0, learner, over: job.ranks) }
    }
    let passCount = try job.ranks.sum(Int64(work.reduce(0) { $0 + $1.passes.count }))
    job.enter(.step)
    try job.ranks.barrier()
    let rate = learner.productRate(
      tokens: tokens.reduce(0, +) / Int(passCount), seconds: productSeconds
    ) { job.ranks.watchdog?.progress() }
    var trainer = try Trainer(
      learner, start: try job.load { try learner.start() }, configuration,
      totalSteps: data.plan.totalSteps, over: job.ranks)
    var times: [StepTimes] = []
    var seconds: [Double] = []
    for (index, window) in work.enumerated() {
      if index == 1 { learner.profile.enable() }
      try job.ranks.barrier()
      var watch = Stopwatch()
      let metrics = try trainer.step(window, step: index + 1, over: job.ranks)
      guard index > 0 else { continue }
      seconds.append(watch.lap())
      times.append(metrics.times)
    }
    let counted = windows.dropFirst().flatMap(\.batches)
    return Benchmark(
      modelPath: configuration.modelPath, precision: configuration.precision,
      ranks: job.ranks.worldSize, threads: configuration.threadsPerRank, steps: steps,
      tokensPerStep: Double(counted.reduce(0) { $0 + $1.tokens.count }) / Double(steps),
      secondsPerStep: seconds.median,
      operationsPerStep: counted.reduce(0) { $0 + learner.productOperations($1) } / Double(steps),
      rate: rate, shares: shares(times, learner.profile, Inputs.Model.profileParts))
  }

  private static func shares(
    _ times: [StepTimes], _ profile: PassProfile,
    _ parts: [(part: PassProfile.Part, name: String)]
  ) -> [Share] {
    let steps = Double(times.count)
    let passes = parts.map { Share(name: $0.name, seconds: profile.seconds($0.part) / steps) }
    func mean(_ part: (StepTimes) -> Double) -> Double {
      times.reduce(0) { $0 + part($1) } / steps
    }
    return passes + [
      Share(name: "exact sum", seconds: mean(\.exactSum)),
      Share(name: "all-reduce", seconds: mean(\.allReduce)),
      Share(name: "waiting for ranks", seconds: mean(\.wait)),
      Share(name: "clipping and AdamW", seconds: mean(\.update)),
    ]
  }
}

extension Benchmark {
  /// The report, within eighty columns.
  var text: String {
    let whole = shares.reduce(0) { $0 + $1.seconds }
    var lines = [
      "model       \(modelPath)",
      "compute     \(ranks) x \(threads) thread\(threads == 1 ? "" : "s"), \(precision.rawValue),"
        + " \(precision.productKernels)",
      "",
      "products of \(rate.tokens) tokens, per rank                forward   dx"
        + (rate.shapes.contains { $0.weightGradient != nil } ? "    dW" : ""),
    ]
    for shape in rate.shapes {
      let name = "[\(shape.rows), \(shape.columns)]"
      lines.append(
        "  \(name)" + Console.padded("x \(shape.count)", 36 - name.count)
          + Console.padded(Self.giga(shape.forward), 14)
          + Console.padded(Self.giga(shape.backward), 6)
          + (shape.weightGradient.map { Console.padded(Self.giga($0), 6) } ?? "")
          + " GFLOP/s")
    }
    lines += [
      "  all ranks, weighted by their work         \(Console.padded(Self.giga(limit), 14)) GFLOP/s",
      "",
      "training step, median of \(steps)",
      "  \(Console.fixed(tokensPerSecond, 1)) tokens/s"
        + "  (\(Console.fixed(secondsPerStep, 3)) s for \(Int(tokensPerStep)) tokens)",
      "  \(Self.giga(reached)) GFLOP/s in products, \(Console.fixed(100 * reached / limit, 1)) %"
        + " of what products alone reach",
      "",
      "of the root's time",
    ]
    for share in shares {
      lines.append(
        "  " + share.name.padding(toLength: 20, withPad: " ", startingAt: 0)
          + Console.padded(Console.fixed(share.seconds, 3), 9) + " s"
          + Console.padded(Console.fixed(100 * share.seconds / whole, 1), 8) + " %")
    }
    return lines.joined(separator: "\n")
  }

  private static func giga(_ rate: Double) -> String { Console.fixed(rate * 1e-9, 0) }

  /// The same for programs; rates in operations per second.
  var json: JSONValue {
    let shapes = rate.shapes.map { shape in
      JSONValue.object([
        "rows": .integer(shape.rows), "columns": .integer(shape.columns),
        "count": .integer(shape.count), "forward": .double(shape.forward),
        "backward": .double(shape.backward),
        "weight_gradient": shape.weightGradient.map(JSONValue.double) ?? .null,
      ])
    }
    var parts = JSONObject()
    for share in shares { parts[share.name] = .double(share.seconds) }
    return .object([
      "model": .string(modelPath), "precision": .string(precision.rawValue),
      "kernels": .string(precision.productKernels), "cpu": .string(Machine.cpuName),
      "ranks": .integer(ranks), "threads_per_rank": .integer(threads), "steps": .integer(steps),
      "tokens_per_step": .double(tokensPerStep), "seconds_per_step": .double(secondsPerStep),
      "tokens_per_second": .double(tokensPerSecond), "product_rate": .double(reached),
      "product_limit": .double(limit), "share_of_limit": .double(reached / limit),
      "product_tokens": .integer(rate.tokens), "shapes": .array(shapes),
      "seconds_of_root": .object(parts),
    ])
  }
}
