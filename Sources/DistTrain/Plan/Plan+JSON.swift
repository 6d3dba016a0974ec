package import Model

extension Plan {
  /// The same figures for programs; bytes and seconds.
  package var json: JSONValue {
    .object([
      "model": .string(model.path),
      "base_parameters": .integer(model.parameterCount),
      "trainable_parameters": .integer(model.trainedCount), "hosts": .integer(job.hosts),
      "ranks_per_host": .integer(job.ranksPerHost), "threads_per_rank": .integer(job.threads),
      "steps": .integer(workload.totalSteps),
      "tokens_per_step": .double(workload.meanTokensPerStep),
      "probe": .array(
        points.map { ["tokens": .integer($0.tokens), "seconds": .double($0.seconds)] }.map {
          .object($0)
        }),
      "memory": .object([
        "per_rank": .integer(memory.perRank),
        "per_host": .integer(memory.perHost(ranks: job.ranksPerHost)),
        "weights": .integer(memory.weights), "activations": .integer(memory.activations),
        "scoring": .integer(memory.scoring), "gradients": .integer(memory.gradients),
        "arenas": .integer(memory.arenas),
        "exact_sum": .integer(memory.exactSum), "program": .integer(memory.program),
        "saving": .integer(memory.saving),
        "disk": .integer(memory.disk(keeping: configuration.saveLimit)),
      ]),
      "network": .object([
        "source": .string(job.networkSource), "latency_seconds": .double(job.network.latency),
        "network_bytes_per_second": Self.finite(job.network.networkBytesPerSecond),
        "local_bytes_per_second": Self.finite(job.network.localBytesPerSecond),
      ]),
      "step": Self.json(estimate), "run_seconds": .double(runSeconds),
      "scaling": .array(scaling),
    ])
  }

  private var scaling: [JSONValue] {
    Self.nodeCounts.flatMap { nodes in
      Self.gigabits.map { rate in
        .object([
          "nodes": .integer(nodes), "gigabits": .double(rate),
          "step": Self.json(estimate(nodes: nodes, gigabits: rate)),
        ])
      }
    }
  }

  private static func json(_ step: StepEstimate) -> JSONValue {
    .object([
      "seconds": .double(step.total), "compute_seconds": .double(step.compute),
      "exact_sum_seconds": .double(step.exactSum), "wait_seconds": .double(step.wait),
      "all_reduce_seconds": .double(step.allReduce), "update_seconds": .double(step.update),
    ])
  }

  /// A rate, or null where the part takes no time.
  private static func finite(_ rate: Double) -> JSONValue { rate.isFinite ? .double(rate) : .null }
}
