internal import Foundation
internal import Model

/// What is about to be trained, on what, and how: names and values within eighty columns.
package struct FirstScreen: Sendable {
  private var rows: [(name: String, value: String)] = []
  private let width: Int
  private static let width = 80, narrowest = 40, indent = 11

  /// On a terminal that is narrower than eighty columns, lines are as short as it asks.
  package init(_ terminal: Terminal = .plain) {
    width = max(Self.narrowest, min(Self.width, terminal.columns))
  }

  /// Adds a row; a name that is empty continues the row before.
  package mutating func add(_ name: String, _ value: String) { rows.append((name, value)) }

  package var lines: [String] {
    rows.flatMap { name, value in
      FindingPrinter.wrapped(value, width: width - Self.indent).enumerated().map {
        let name = $0.offset == 0 ? name : ""
        return name + String(repeating: " ", count: max(1, Self.indent - name.count)) + $0.element
      }
    }
  }
}

extension FirstScreen {
  static func counted(_ count: Int, _ noun: String) -> String {
    "\(Console.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  mutating func addModel(_ inputs: RunInputs, _ sizes: ModelSizes) {
    let (model, lora) = (inputs.model, inputs.layout.configuration)
    let (trained, total) = (inputs.layout.count, model.parameterCount + inputs.layout.count)
    let configuration = inputs.configuration
    addName(configuration)
    add(
      "",
      "\(model.architecture.rawValue), \(Self.counted(model.layerCount, "layer")) of \(model.hiddenSize),"
        + " \(Console.grouped(model.parameterCount)) parameters in \(sizes.elementType.rawValue)")
    let targets =
      lora.targets.count == Projection.allCases.count
      ? "all linear layers" : lora.targets.map(\.name).joined(separator: ", ")
    add(
      "method",
      "LoRA r \(lora.rank), alpha \(Self.short(lora.alpha)), dropout \(Self.short(lora.dropout))"
        + " on \(targets)"
        + (configuration.initialAdapter.map { ", from \($0)" } ?? ""))
    let share = Console.fixed(100 * Double(trained) / Double(total), 3)
    add("trainable", "\(Console.grouped(trained)) of \(Console.grouped(total)) (\(share) %)")
  }

  mutating func addName(_ configuration: RunConfiguration) {
    add("model", configuration.modelName)
    if configuration.modelPath != configuration.modelName { add("", configuration.modelPath) }
  }

  mutating func addSplit(_ configuration: RunConfiguration, _ split: Split) {
    add("data", configuration.datasetPath)
    add(
      "",
      "\(split.train.count) train, \(split.validation.count) validation, \(split.heldOut.count) held out"
        + " (split \(configuration.split))")
  }

  /// The range of token counts, each of one `unit`.
  mutating func addLengths(
    _ lengths: [Int], of unit: String, truncated: Int, _ configuration: RunConfiguration
  ) {
    let lengths = lengths.sorted()
    add(
      "tokens",
      "\(lengths.first ?? 0) to \(lengths.last ?? 0) \(unit), median \(lengths[lengths.count / 2]);"
        + " \(truncated) truncated to \(configuration.maximumLength)")
  }

  mutating func addData(_ inputs: RunInputs, _ examples: [TokenizedExample]) {
    let configuration = inputs.configuration
    addSplit(configuration, inputs.split)
    add(
      "prompts",
      "\(configuration.promptTemplate.rawValue), options \(configuration.optionOrder.rawValue);"
        + " loss on \(configuration.lossOnAll ? "all tokens" : "the answer")")
    addLengths(
      examples.map(\.tokens.count), of: "an example",
      truncated: examples.count { $0.truncatedTokenCount > 0 }, configuration)
  }

  /// Who computes what of a step: "16 micro-batches x 2 sequences = 32 a step; 8 on each of 2 ranks".
  package static func window(
    ranks: Int, batchSize: Int, microBatches: Int, of unit: String = "sequence"
  ) -> String {
    let share = (least: microBatches / ranks, most: (microBatches + ranks - 1) / ranks)
    let idle = max(0, ranks - microBatches)
    let work =
      switch (ranks, idle) {
      case (1, _): "all on one rank"
      case (_, 1...): "one on each of \(microBatches) ranks, \(idle) idle"
      case _ where share.least == share.most: "\(share.most) on each of \(ranks) ranks"
      default: "\(share.least) or \(share.most) on each of \(ranks) ranks"
      }
    return "\(counted(microBatches, "micro-batch").replacing("batchs", with: "batches"))"
      + " x \(counted(batchSize, unit)) = \(batchSize * microBatches) a step; \(work)"
  }

  mutating func addWork(_ configuration: RunConfiguration, _ plan: TrainingPlan, ranks: Int) {
    add(
      "window",
      Self.window(
        ranks: ranks, batchSize: configuration.batchSize, microBatches: configuration.accumulation,
        of: configuration.isEncoder ? "question" : "sequence"))
    add(
      "steps",
      "\(Console.grouped(plan.totalSteps)), \(Console.grouped(plan.windowsPerEpoch)) an epoch;"
        + " learning rate \(configuration.learningRate), \(configuration.scheduleShape.rawValue),"
        + " \(configuration.warmupSteps(of: plan.totalSteps)) to warm up")
  }

  mutating func addCompute(_ configuration: RunConfiguration, ranks: Int, hosts: [String]) {
    let names = Set(hosts).sorted()
    let places =
      names.count == 1
      ? ""
      : " on \(names.count) hosts (\(names.prefix(4).joined(separator: " "))\(names.count > 4 ? " ..." : ""))"
    add(
      "compute",
      "\(Self.counted(ranks, "rank")) x \(Self.counted(configuration.threadsPerRank, "thread"))\(places),"
        + " \(configuration.precision.rawValue), \(configuration.precision.productKernels)")
  }

  mutating func addMemory(_ memory: MemoryEstimate, ranksPerHost: Int, available: Int) {
    func size(_ bytes: Int) -> String { Plan.size(bytes).trimmed }
    let host = memory.perHost(ranks: ranksPerHost)
    let verdict = host > available ? "MORE THAN the" : "of"
    add(
      "memory",
      "about \(size(host)) \(verdict) \(size(available)) free per host:"
        + (memory.weights > 0 ? " weights \(size(memory.weights)) mapped once," : "")
        + " \(size(memory.arenas + memory.exactSum)) of parameters, moments and sum,"
        + " \(Self.counted(ranksPerHost, "rank"))"
        + " of \(size(memory.perRank)), \(size(memory.saving)) to save")
  }

  private static func short(_ value: Float) -> String {
    value == value.rounded() ? String(Int(value)) : String(value)
  }
}
