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

  /// All ranks measure; the root gets the plan of the slowest one.
  static func run(
    _ partial: PartialConfiguration, _ options: Options, _ job: borrowing Job
  ) throws -> Plan {
    let configuration = partial.configuration
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    job.enter(.load)
    guard let path = partial.modelPath else {
      throw CommandFailure(
        "no model to plan for; give model_name_or_path a folder with at least config.json",
        exitCode: 78)
    }
    let available = HostMemory.available
    let inputs = try job.load { try PlanInputs(path, partial, options) }
    let (sizes, workload) = (inputs.sizes, inputs.workload)
    job.enter(.step)
    let points = try measure(sizes, workload, configuration, options, job)
    let memory = inputs.memory(configuration.precision)
    let probe = MicroBatchProbe(
      configuration: configuration, workload: workload, seconds: options.probeSeconds)
    let arenas = probe.measureArenas(sizes.layout)
    let compute = ComputeModel(
      fitting: points, addSeconds: try job.ranks.maximum(arenas.add),
      writeSeconds: try job.ranks.maximum(arenas.write),
      updateSeconds: try job.ranks.maximum(arenas.update))
    let hosts = try job.ranks.allGather(Array(job.ranks.hostName.utf8))
    let running = PlannedJob.Running(
      hosts: Set(hosts).count, ranks: job.ranks.worldSize,
      times: try NetworkProbe.measure(over: job.ranks), pieceBytes: 8 * job.ranks.pieceLimit)
    return Plan(
      sizes, configuration, workload, memory: memory, points: points, compute: compute,
      job: PlannedJob(options.request, running: running, threads: configuration.threadsPerRank),
      availableMemory: available)
  }

  /// Medians of every rank's own, the slowest rank's for each size.
  private static func measure(
    _ sizes: ModelSizes, _ workload: Workload, _ configuration: RunConfiguration,
    _ options: Options, _ job: borrowing Job
  ) throws -> [ComputeModel.Point] {
    let seconds = options.probeSeconds
    let probe = MicroBatchProbe(
      configuration: configuration, workload: workload, seconds: seconds)
    let points: [ComputeModel.Point]
    if sizes.hasWeights && !options.usesZeros {
      let model = try job.load {
        try WeightLoader.load(
          WeightFolder(path: sizes.path), sizes.configuration, layout: sizes.layout,
          longestSequence: workload.training.sequence, precision: configuration.precision)
      }
      points = try probe.measure(model, seconds: seconds, over: job.ranks)
    } else {
      points = try probe.measure(zerosIn: sizes, over: job.ranks)
    }
    return try points.map {
      ComputeModel.Point(tokens: $0.tokens, seconds: try job.ranks.maximum($0.seconds))
    }
  }

}

/// What is planned for: the data's own sizes where tokenizer and data are there, else what comes nearest.
struct PlanInputs {
  let sizes: ModelSizes
  let workload: Workload
  /// Tokenizer and data, which a run keeps in memory as well.
  private let inputs: RunInputs?

  init(_ path: String, _ partial: PartialConfiguration, _ options: PlanRun.Options) throws {
    let configuration = partial.configuration
    let hasTokenizer = FileManager.default.fileExists(atPath: path + "/tokenizer.json")
    if partial.datasetPath != nil, hasTokenizer {
      let inputs = try RunInputs(configuration)
      self.inputs = inputs
      sizes = try ModelSizes(path, inputs.layout.configuration)
      workload = try Workload(inputs)
      return
    }
    inputs = nil
    sizes = try ModelSizes(path, configuration.lora)
    guard let data = partial.datasetPath else {
      let tokens = min(options.tokens, configuration.maximumLength)
      workload = Workload(tokens: tokens, sequences: options.sequences, configuration)
      return
    }
    let dataset = try Dataset(path: data)
    let split = try RunInputs.split(configuration, count: dataset.questions.count)
    workload = Workload(estimating: configuration, dataset: dataset, split: split)
  }

  /// With what this process has to itself now as the program's part.
  func memory(_ precision: Precision) -> MemoryEstimate {
    MemoryEstimate(sizes, workload, precision, program: HostMemory.own)
  }
}
