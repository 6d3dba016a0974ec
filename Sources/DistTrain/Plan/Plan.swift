internal import Model

/// The model of a plan, as reports name it.
package struct PlannedModel: Sendable {
  let path: String
  let architecture: String
  let parameterCount: Int
  /// What is trained: a name, and what is said of it before its size.
  let trained: (name: String, kind: String)
  let trainedCount: Int
  /// False where zeros in its shapes were measured.
  let hasWeights: Bool
}

/// What a run will need and how long it will take.
package struct Plan: Sendable {
  package let model: PlannedModel
  package let configuration: RunConfiguration
  package let workload: Workload
  package let memory: MemoryEstimate
  package let points: [ComputeModel.Point]
  package let compute: ComputeModel
  package let job: PlannedJob
  package let estimate: StepEstimate
  /// Memory of this host that is free.
  package let availableMemory: Int

  package static let nodeCounts = [1, 2, 4, 8, 16, 32, 64]
  package static let gigabits = [1.0, 10, 100]

  init(
    _ measurement: PlanRun.Measurement, _ configuration: RunConfiguration,
    _ compute: ComputeModel, job: PlannedJob, availableMemory: Int
  ) {
    model = measurement.model
    workload = measurement.workload
    memory = measurement.memory
    points = measurement.points
    self.configuration = configuration
    self.compute = compute
    self.job = job
    self.availableMemory = availableMemory
    estimate = StepEstimate(
      workload, compute, job.network, parameters: model.trainedCount, ranks: job.ranks,
      hosts: job.hosts)
  }

  /// Seconds of all steps; scoring and checkpoints come on top.
  package var runSeconds: Double { Double(workload.totalSteps) * estimate.total }

  /// A job of `nodes` hosts with this job's ranks on each, over a link of a nominal rate.
  package func estimate(nodes: Int, gigabits: Double) -> StepEstimate {
    StepEstimate(
      workload, compute, job.network(gigabits: gigabits), parameters: model.trainedCount,
      ranks: nodes * job.ranksPerHost, hosts: nodes)
  }

  /// Micro-batches of the rank that has the most.
  package func largestShare(ranks: Int) -> Int {
    let window = configuration.accumulation
    return (window + ranks - 1) / ranks
  }
}
