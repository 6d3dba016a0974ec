internal import Model

/// The predicted time of a step, split as `StepTimes` splits the measured one: the root's compute and its wait add up to
/// the compute of the slowest rank.
///
/// step = max over ranks (sum over the rank's micro-batches of (compute + add)) + all-reduce + write + update, the mean over
/// the run's steps. A rank's share is contiguous and at most ceil(W / n) of a window's W micro-batches.
package struct StepEstimate: Sendable, Equatable {
  package var compute = 0.0, exactSum = 0.0, wait = 0.0, allReduce = 0.0, update = 0.0

  package var total: Double { compute + exactSum + wait + allReduce + update }
  /// The share of the step in which ranks communicate.
  package var communicationShare: Double { total > 0 ? allReduce / total : 0 }

  package init(
    _ workload: Workload, _ model: ComputeModel, _ network: AllReduceModel, parameters: Int,
    ranks: Int, hosts: Int
  ) {
    for window in workload.steps {
      let costs = (0..<min(ranks, window.count)).map { rank in
        // Ranks beyond the micro-batches have nothing to do.
        let part = share(of: window.count, rank: rank, worldSize: min(ranks, window.count))
        return (
          compute: window[part].reduce(0) { $0 + model.seconds(tokens: $1) },
          add: Double(part.count) * model.addSeconds
        )
      }
      let own = Self.rootShare(window, costs, ranks)
      let slowest = costs.map { $0.compute + $0.add }.max() ?? 0
      compute += own.compute
      exactSum += own.add
      wait += max(0, slowest - own.compute - own.add)
    }
    let count = Double(max(1, workload.steps.count))
    compute /= count
    exactSum = exactSum / count + model.writeSeconds
    wait = wait / count + network.smallSeconds(ranks: ranks)
    allReduce =
      network.seconds(bytes: 8 * (parameters + 1), ranks: ranks, hosts: hosts)
      + network.smallSeconds(ranks: ranks)
    update = model.updateSeconds
  }

  /// The root has the first micro-batches, or none where ranks are more than micro-batches.
  private static func rootShare(
    _ window: [Int], _ costs: [(compute: Double, add: Double)], _ ranks: Int
  ) -> (compute: Double, add: Double) {
    share(of: window.count, rank: 0, worldSize: ranks).isEmpty
      ? (0, 0) : costs.first ?? (0, 0)
  }
}
