internal import Collective
internal import Foundation
internal import Model

/// The plan command: measures a little and predicts the rest.
enum PlanRun {
  struct Options {
    var request = PlannedJob.Request()
    /// Tokens of a sequence and number of sequences, where there is no data set.
    var tokens = 128
    var sequences: Int?
    var probeSeconds = 20.0
    /// Times zeros in the model's shapes though there are weights.
    var usesZeros = false
  }

  /// What is known of a model and its data, and how long its passes took.
  struct Measurement {
    let model: PlannedModel
    let workload: Workload
    let memory: MemoryEstimate
    let points: [ComputeModel.Point]
  }

  /// The memory alone, of which nothing is measured.
  static func memory(_ partial: PartialConfiguration) throws -> MemoryEstimate? {
    guard let path = partial.modelPath else { return nil }
    let configuration = try CrossValidation.first(of: partial.configuration)
    guard !configuration.isEncoder else {
      return partial.datasetPath == nil ? nil : try EncoderPlanInputs(configuration).memory()
    }
    return try DecoderPlanInputs(
      path, configuration, data: partial.datasetPath, Options(), ranks: 1
    )
    .memory(configuration.precision)
  }

  /// All ranks measure; the root gets the plan of the slowest one, and of the first fold where there are folds.
  static func run(
    _ partial: PartialConfiguration, _ options: Options, _ job: borrowing Job
  ) throws -> Plan {
    guard let path = partial.modelPath else {
      throw CommandFailure(
        "no model to plan for; give model_name_or_path a folder with at least config.json",
        exitCode: 78)
    }
    let configuration = try CrossValidation.first(of: partial.configuration)
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    job.enter(.load)
    let available = HostMemory.available
    let measurement =
      configuration.isEncoder
      ? try encoder(configuration, hasData: partial.datasetPath != nil, options, job)
      : try decoder(path, configuration, data: partial.datasetPath, options, job)
    let arenas = try MicroBatchProbe(seconds: options.probeSeconds).measureArenas(
      count: measurement.model.trainedCount, configuration)
    let compute = ComputeModel(
      fitting: try measurement.points.map {
        ComputeModel.Point(tokens: $0.tokens, seconds: try job.ranks.maximum($0.seconds))
      },
      addSeconds: try job.ranks.maximum(arenas.add),
      resetSeconds: try job.ranks.maximum(arenas.reset),
      updateSeconds: try job.ranks.maximum(arenas.update))
    let hosts = try job.ranks.allGather(Array(job.ranks.hostName.utf8))
    let running = PlannedJob.Running(
      hosts: Set(hosts).count, ranks: job.ranks.worldSize,
      times: try NetworkProbe.measure(over: job.ranks), pieceBytes: 8 * job.ranks.pieceLimit)
    return Plan(
      measurement, configuration, compute,
      job: PlannedJob(options.request, running: running, threads: configuration.threadsPerRank),
      availableMemory: available)
  }

  private static func decoder(
    _ path: String, _ configuration: RunConfiguration, data: String?, _ options: Options,
    _ job: borrowing Job
  ) throws -> Measurement {
    let request = options.request
    let ranks = (request.hosts ?? 1) * (request.ranksPerHost ?? job.ranks.worldSize)
    let inputs = try job.load {
      try DecoderPlanInputs(path, configuration, data: data, options, ranks: ranks)
    }
    let (sizes, decoder) = (inputs.sizes, inputs.workload)
    job.enter(.step)
    let probe = DecoderProbe(
      configuration: configuration, workload: decoder, seconds: options.probeSeconds)
    let points: [ComputeModel.Point]
    if sizes.hasWeights && !options.usesZeros {
      let model = try job.load {
        try WeightLoader.load(
          WeightFolder(path: sizes.path), sizes.configuration, layout: sizes.layout,
          longestSequence: decoder.training.sequence, precision: configuration.precision)
      }
      points = try probe.measure(model, seconds: options.probeSeconds, over: job.ranks)
    } else {
      points = try probe.measure(zerosIn: sizes, over: job.ranks)
    }
    return Measurement(
      model: PlannedModel(sizes), workload: decoder.workload,
      memory: inputs.memory(configuration.precision), points: points)
  }

  /// Reads no weights: zeros in their place take as long.
  private static func encoder(
    _ configuration: RunConfiguration, hasData: Bool, _ options: Options, _ job: borrowing Job
  ) throws -> Measurement {
    guard hasData else {
      throw CommandFailure(
        "a plan for an encoder needs dataset_path: its sequences are questions with options",
        exitCode: 78)
    }
    let planned = try job.load { try EncoderPlanInputs(configuration) }
    let memory = try planned.memory()
    job.enter(.step)
    let learner = EncoderLearner(planned.inputs, training: planned.training, scoring: [])
    let parameters = FloatBuffer(count: learner.parameterCount)
    // Pages that nobody has written to are one and the same page of zeros.
    parameters.zero()
    let points = try MicroBatchProbe(seconds: options.probeSeconds).measure(
      planned.batches, over: job.ranks
    ) { batch in
      var losses = [0.0]
      for pass in learner.passes([batch], first: 0, among: [0]) {
        learner.forwardBackward(
          pass, parameters: parameters, losses: &losses, sink: { _, _, _ in })
      }
    }
    return Measurement(
      model: PlannedModel(planned.inputs), workload: planned.workload, memory: memory,
      points: points)
  }
}

extension PlannedModel {
  fileprivate init(_ sizes: ModelSizes) {
    self.init(
      path: sizes.path, architecture: sizes.configuration.architecture.rawValue,
      parameterCount: sizes.configuration.parameterCount,
      trained: ("adapter", "rank \(sizes.layout.configuration.rank)"),
      trainedCount: sizes.layout.count, hasWeights: sizes.hasWeights)
  }

  fileprivate init(_ inputs: EncoderInputs) {
    self.init(
      path: inputs.configuration.modelPath, architecture: inputs.architecture,
      parameterCount: inputs.baseParameterCount, trained: ("trainable", "all of them"),
      trainedCount: inputs.parameterCount, hasWeights: false)
  }
}
