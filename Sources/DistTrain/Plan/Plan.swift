internal import Model

/// What a run will need and how long it will take.
package struct Plan: Sendable {
  package let sizes: ModelSizes
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

  package init(
    _ sizes: ModelSizes, _ configuration: RunConfiguration, _ workload: Workload,
    memory: MemoryEstimate, points: [ComputeModel.Point], compute: ComputeModel, job: PlannedJob,
    availableMemory: Int
  ) {
    self.sizes = sizes
    self.configuration = configuration
    self.workload = workload
    self.memory = memory
    self.points = points
    self.compute = compute
    self.job = job
    self.availableMemory = availableMemory
    estimate = StepEstimate(
      workload, compute, job.network, parameters: sizes.layout.count, ranks: job.ranks,
      hosts: job.hosts)
  }

  /// Seconds of all steps; scoring and checkpoints come on top.
  package var runSeconds: Double { Double(workload.totalSteps) * estimate.total }

  /// A job of `nodes` hosts with this job's ranks on each, over a link of a nominal rate.
  package func estimate(nodes: Int, gigabits: Double) -> StepEstimate {
    StepEstimate(
      workload, compute, job.network(gigabits: gigabits), parameters: sizes.layout.count,
      ranks: nodes * job.ranksPerHost, hosts: nodes)
  }

  /// Micro-batches of the rank that has the most.
  package func largestShare(ranks: Int) -> Int {
    let window = configuration.accumulation
    return (window + ranks - 1) / ranks
  }
}
