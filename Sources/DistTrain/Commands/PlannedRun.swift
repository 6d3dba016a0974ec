internal import ArgumentParser
internal import Model

/// The run whose memory `inspect --plan` shows.
struct PlannedRun: ParsableArguments {
  @Option(help: "With --plan: ranks on one host.")
  var ranks = 1

  @Option(help: "With --plan: tokens of the longest sequence.")
  var tokens = 512

  @Option(help: "With --plan: float32 or bfloat16.")
  var precision = Precision.float32

  @Option(help: "With --plan: none or full.")
  var activationCheckpointing = ActivationCheckpointing.none

  func validate() throws {
    if ranks < 1 { throw ValidationError("--ranks is too small") }
    if tokens < 2 { throw ValidationError("--tokens is too small") }
  }

  /// The memory of each rank and of the host with a model and an adapter.
  func lines(_ path: String, _ lora: LoRAConfiguration) throws -> [String] {
    func plan(keepsForBackward: Bool) -> ActivationPlan {
      ActivationPlan(
        tokens: tokens, sequence: tokens, targets: tokens, keepsForBackward: keepsForBackward,
        checkpointing: activationCheckpointing)
    }
    let memory = MemoryEstimate(
      try ModelSizes(path, lora), training: plan(keepsForBackward: true),
      scoring: plan(keepsForBackward: false), precision, program: HostMemory.own)
    let host = Plan.size(memory.perHost(ranks: ranks)).trimmed
    let noun = ranks == 1 ? "rank" : "ranks"
    return memory.rankLines + [
      "memory per host, \(ranks) \(noun)", Plan.row("  weights", Plan.size(memory.weights)),
    ] + memory.commonLines + [Plan.row("  in all", "  \(host)")]
  }
}

extension Precision: ExpressibleByArgument {}
extension ActivationCheckpointing: ExpressibleByArgument {}
