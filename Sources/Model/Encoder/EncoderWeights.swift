internal import Glibc

extension EncoderModel {
  /// The parameters of a model folder as an arena of `layout`, in 32-bit floats.
  ///
  /// Names may have the family's prefix or none, and LayerNorms may say gamma and beta. Layers behind the encoder that the
  /// folder lacks begin normal(0, initializer range) with bias 0, a pure function of `seed`. Throws `ModelError` that
  /// names the tensor for any other that is missing, of another shape, or of an encoder with more to it.
  package func parameters(folder: String, seed: UInt64) throws(ModelError) -> FloatBuffer {
    let source = try EncoderWeights(folder, configuration)
    // Before anything is allocated: a folder's sizes are believed once its tensors have them.
    try source.check(layout)
    let arena = FloatBuffer(count: layout.count)
    for (index, tensor) in layout.tensors.enumerated() {
      if let name = source.name(of: tensor.name) {
        try source.read(name, tensor, into: arena)
      } else if tensor.decays {
        // The head's tensors come first: their places depend on nothing else.
        fill(tensor, RandomStream(seed: seed, purpose: .headInitialization, index), arena)
      }
    }
    return arena
  }

  /// Normal numbers by the method of Box and Muller.
  private func fill(
    _ tensor: ParameterTensor, _ stream: RandomStream, _ arena: borrowing FloatBuffer
  ) {
    var stream = stream
    let target = arena.matrix(1, tensor.count, at: tensor.offset)
    for index in stride(from: 0, to: tensor.count, by: 2) {
      // From 0..<1 to what has a logarithm.
      let radius = (-2 * log(1 - Double(stream.uniform()))).squareRoot()
      let angle = 2 * Double.pi * Double(stream.uniform())
      for (offset, value) in [radius * cos(angle), radius * sin(angle)].enumerated()
      where index + offset < tensor.count {
        target[0, index + offset] = Float(value) * configuration.initializerRange
      }
    }
  }
}

/// The tensors of an encoder's folder under whatever names it gives them.
struct EncoderWeights {
  private let folder: WeightFolder
  private let names: Set<String>
  private let prefix: String
  private let isPrefixed: Bool

  init(_ path: String, _ configuration: EncoderConfiguration) throws(ModelError) {
    folder = try Self.open(path)
    names = Set(folder.names)
    prefix = EncoderNames(configuration.architecture).prefix
    isPrefixed = names.contains { [prefix] in $0.hasPrefix(prefix) }
  }

  /// Older files carry the positions 0, 1, 2, ... as a tensor of integers, which is left out.
  static func open(_ path: String) throws(ModelError) -> WeightFolder {
    try WeightFolder(path: path) { $0.hasSuffix("position_ids") }
  }

  /// How the folder calls a tensor; nil where it has none.
  func name(of tensor: String) -> String? {
    candidates(tensor).first(where: names.contains)
  }

  /// Everything is there in its shape but for whole layers behind the encoder, and nothing more of an encoder.
  func check(_ layout: ParameterLayout) throws(ModelError) {
    for tensor in layout.tensors {
      if let name = name(of: tensor.name) {
        _ = try folder.entry(name, shape: tensor.shape)
      } else if !tensor.mayBeFresh || hasPart(of: tensor.name) {
        throw ModelError(
          .invalid, "\(folder.path): tensor \(tensor.name) is missing; config.json asks for it")
      }
    }
    try checkNothingLeft(layout)
  }

  /// Whether the layer of a tensor has another one in the folder.
  private func hasPart(of tensor: String) -> Bool {
    guard let dot = tensor.lastIndex(of: ".") else { return false }
    return ["weight", "bias"].contains { name(of: tensor[...dot] + $0) != nil }
  }

  private func candidates(_ tensor: String) -> [String] {
    let name =
      !isPrefixed && tensor.hasPrefix(prefix) ? String(tensor.dropFirst(prefix.count)) : tensor
    if name.hasSuffix("LayerNorm.weight") { return [name, name.dropLast(6) + "gamma"] }
    if name.hasSuffix("LayerNorm.bias") { return [name, name.dropLast(4) + "beta"] }
    return [name]
  }

  func read(
    _ name: String, _ tensor: ParameterTensor, into arena: borrowing FloatBuffer
  ) throws(ModelError) {
    let (file, entry) = try folder.entry(name, shape: tensor.shape)
    let rows = tensor.shape.count == 2 ? tensor.shape[0] : 1
    let matrix = WeightMatrix(
      file: file.file, entry: entry, rows: rows, columns: tensor.count / rows)
    matrix.widen(
      rows: 0..<rows, into: arena.matrix(rows, tensor.count / rows, at: tensor.offset))
  }

  /// Heads of other tasks may stand beside the encoder, but no part of an encoder that is left out.
  private func checkNothingLeft(_ layout: ParameterLayout) throws(ModelError) {
    let used = Set(layout.tensors.compactMap { name(of: $0.name) })
    let parts =
      isPrefixed ? [prefix] : ["embeddings.", "encoder.", "transformer.", "pooler."]
    let left = names.subtracting(used).filter { name in parts.contains(where: name.hasPrefix) }
      .sorted()
    guard left.isEmpty else {
      throw ModelError(
        .invalid,
        "\(folder.path): \(left.count) tensors are more than config.json asks for, such as \(left[0])"
      )
    }
  }
}
