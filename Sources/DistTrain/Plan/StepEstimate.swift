internal import Model

/// The predicted time of a step, split as `StepTimes` splits the measured one: the root's compute and its wait add up to
/// the compute of the slowest rank.
///
/// step = max over ranks (sum over the rank's passes of compute, and over its micro-batches of add) + all-reduce + reset +
/// update, the mean over the run's steps. Micro-batches are shared out by their tokens, as `shares` does for the run.
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
      // Ranks beyond the micro-batches have nothing to do.
      let costs = shares(ofCosts: window, worldSize: min(ranks, max(1, window.count))).map { part in
        (
          compute: workload.passes(part.map { window[$0] })
            .reduce(0) { $0 + model.seconds(tokens: $1) },
          add: Double(part.count) * model.addSeconds
        )
      }
      let own = costs[0]
      let slowest = costs.map { $0.compute + $0.add }.max() ?? 0
      compute += own.compute
      exactSum += own.add
      wait += max(0, slowest - own.compute - own.add)
    }
    let count = Double(max(1, workload.steps.count))
    compute /= count
    exactSum = exactSum / count + model.resetSeconds
    wait = wait / count + network.smallSeconds(ranks: ranks)
    // The ranks of a host have one sum, which the first of them sends.
    allReduce =
      network.seconds(bytes: 8 * (parameters + 1), ranks: hosts, hosts: hosts)
      + network.smallSeconds(ranks: ranks)
    update = model.updateSeconds
  }
}
