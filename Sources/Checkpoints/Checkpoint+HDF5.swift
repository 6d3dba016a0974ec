/// The schema of docs/checkpoint-format.md.
extension Checkpoint {
  private enum Name {
    static let step = "step"
    static let epoch = "epoch"
    static let windowInEpoch = "window_in_epoch"
    static let totalSteps = "total_steps"
    static let seed = "seed"
    static let tokensSeen = "tokens_seen"
    static let adapter = "adapter"
    static let tensors = "tensors"
    static let names = "names"
    static let shapes = "shapes"
    static let optimizer = "optimizer"
    static let firstMoment = "first_moment"
    static let secondMoment = "second_moment"
    static let configuration = "configuration"
    static let provenance = "provenance"
    static let history = "history"
    static let state = "state"
  }

  /// A module and its tensors, with the offset of each in the buffers; modules in order of first occurrence.
  private struct Module {
    let name: String
    var tensors: [(name: String, offset: Int, tensor: CheckpointTensor)] = []
  }

  private static func modules(of tensors: [CheckpointTensor]) -> [Module] {
    var modules: [Module] = []
    var positions: [String: Int] = [:]
    var offset = 0
    for tensor in tensors {
      let end = tensor.name.lastIndex(of: ".") ?? tensor.name.startIndex
      let moduleName = String(tensor.name[..<end])
      let position = positions[moduleName, default: modules.count]
      if position == modules.count {
        positions[moduleName] = position
        modules.append(Module(name: moduleName))
      }
      let name = String(tensor.name[tensor.name.index(after: end)...])
      modules[position].tensors.append((name, offset, tensor))
      offset += tensor.elementCount
    }
    return modules
  }

  // MARK: Writing

  package func write(to root: borrowing HDF5Group) throws(HDF5Error) {
    try root.writeAttribute(Int64(step), named: Name.step)
    try root.writeAttribute(Int64(epoch), named: Name.epoch)
    try root.writeAttribute(Int64(windowInEpoch), named: Name.windowInEpoch)
    try root.writeAttribute(Int64(totalSteps), named: Name.totalSteps)
    try root.writeAttribute(seed, named: Name.seed)
    try root.writeAttribute(Int64(tokensSeen), named: Name.tokensSeen)
    try root.write(configuration, to: Name.configuration)
    try root.write(provenance, to: Name.provenance)
    try root.write(history.map { $0 + "\n" }.joined(), to: Name.history)
    try root.write(state, to: Name.state)
    let table = try root.createGroup(Name.tensors)
    try table.write(texts: tensors.map(\.name), to: Name.names)
    let shapes = tensors.flatMap { [Int64($0.rows), Int64($0.columns)] }
    try table.write(shapes.span, shape: [tensors.count, 2], to: Name.shapes)
    try writeAdapter(to: root.createGroup(Name.adapter))
    let optimizer = try root.createGroup(Name.optimizer)
    try optimizer.write(firstMoment.span, shape: [firstMoment.count], to: Name.firstMoment)
    try optimizer.write(secondMoment.span, shape: [secondMoment.count], to: Name.secondMoment)
  }

  private func writeAdapter(to adapter: borrowing HDF5Group) throws(HDF5Error) {
    for module in Self.modules(of: tensors) {
      let group = try adapter.createGroup(module.name)
      for (name, offset, tensor) in module.tensors {
        let values = parameters.span.extracting(offset..<offset + tensor.elementCount)
        try group.write(values, shape: tensor.shape, to: name)
      }
    }
  }

  // MARK: Reading

  package init(readingFrom root: borrowing HDF5Group) throws(HDF5Error) {
    let tensors = try Self.tensors(in: root.group(Name.tensors), byteLimit: root.byteLimit)
    let count = tensors.reduce(0) { $0 + $1.elementCount }
    let optimizer = try root.group(Name.optimizer)
    self.init(
      tensors: tensors,
      parameters: try Self.parameters(tensors, count: count, in: root.group(Name.adapter)),
      firstMoment: try optimizer.values(of: Name.firstMoment, as: Float.self, shape: [count]),
      secondMoment: try optimizer.values(of: Name.secondMoment, as: Float.self, shape: [count]),
      step: try Self.integer(Name.step, in: root),
      epoch: try Self.integer(Name.epoch, in: root),
      windowInEpoch: try Self.integer(Name.windowInEpoch, in: root),
      totalSteps: try Self.integer(Name.totalSteps, in: root),
      seed: try root.attribute(Name.seed, as: UInt64.self),
      tokensSeen: try Self.integer(Name.tokensSeen, in: root),
      configuration: try root.text(of: Name.configuration),
      provenance: try root.text(of: Name.provenance),
      history: try Self.lines(of: root.text(of: Name.history)),
      state: try root.text(of: Name.state))
  }

  /// The table that says which tensors to expect; it is checked before anything is allocated for them.
  private static func tensors(
    in table: borrowing HDF5Group, byteLimit: Int
  ) throws(HDF5Error) -> [CheckpointTensor] {
    let names = try table.texts(of: Name.names)
    let shapes = try table.values(of: Name.shapes, as: Int64.self, shape: [names.count, 2])
    let tensors = names.indices.map {
      CheckpointTensor(
        name: names[$0], rows: Int(shapes[2 * $0]), columns: Int(shapes[2 * $0 + 1]))
    }
    let attempt = "use the table of tensors"
    if let fault = fault(in: tensors) { throw HDF5Error(attempt: attempt, reason: fault) }
    let count = tensors.reduce(0) { $0 + $1.elementCount }
    guard count <= byteLimit / MemoryLayout<Float>.size else {
      throw HDF5Error(attempt: attempt, reason: "\(count) elements do not fit in the file")
    }
    return tensors
  }

  private static func parameters(
    _ tensors: [CheckpointTensor], count: Int, in adapter: borrowing HDF5Group
  ) throws(HDF5Error) -> [Float] {
    var parameters = [Float](repeating: 0, count: count)
    for module in modules(of: tensors) {
      let group = try adapter.group(module.name)
      for (name, offset, tensor) in module.tensors {
        try group.read(name, into: &parameters, at: offset, shape: tensor.shape)
      }
    }
    return parameters
  }

  private static func integer(
    _ name: String, in root: borrowing HDF5Group
  ) throws(HDF5Error) -> Int {
    Int(try root.attribute(name, as: Int64.self))
  }

  private static func lines(of text: String) throws(HDF5Error) -> [String] {
    if text.isEmpty { return [] }
    var lines = text.utf8.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).map { String(Substring($0)) }
    guard lines.removeLast().isEmpty else {
      throw HDF5Error(
        attempt: "read the dataset \"\(Name.history)\"", reason: "its last line has no end")
    }
    return lines
  }
}
