package import Model

/// Which questions are trained on, watched, and held out; made before anything else sees the data.
package struct Split: Sendable, Equatable {
  /// Indices into the data set, in the order the split gave them.
  package let train: [Int], validation: [Int], heldOut: [Int]

  package init(train: [Int], validation: [Int], heldOut: [Int]) {
    self.train = train
    self.validation = validation
    self.heldOut = heldOut
  }

  /// Parts of a random order: train = round(n * trainRatio), validation = round(n * validationRatio), the rest held out.
  package static func ratios(
    _ count: Int, train: Double, validation: Double, seed: UInt64
  ) throws(DatasetError) -> Split {
    var random = RandomStream(seed: seed, purpose: .split)
    return try cut(random.permutation(count), train: train, validation: validation)
  }

  private static func cut(
    _ order: [Int], train: Double, validation: Double
  ) throws(DatasetError) -> Split {
    let count = Double(order.count)
    let trainEnd = Int((count * train).rounded())
    let validationEnd = min(order.count, trainEnd + Int((count * validation).rounded()))
    let split = Split(
      train: Array(order[..<min(trainEnd, order.count)]),
      validation: Array(order[min(trainEnd, order.count)..<validationEnd]),
      heldOut: Array(order[validationEnd...]))
    guard !split.train.isEmpty && !split.heldOut.isEmpty else {
      throw DatasetError(
        description: "\(order.count) questions leave \(split.train.count) to train on and"
          + " \(split.heldOut.count) held out; change train_ratio, val_ratio and test_ratio",
        exitCode: 65)
    }
    return split
  }

  /// The split of the published runs on Recipe-MPR: 400 / 50 / 50 of 500.
  package static func seed(_ count: Int) throws(DatasetError) -> Split {
    guard count == 500 else {
      throw DatasetError(
        description: "split: seed is a split of 500 questions, the data set has \(count);"
          + " use split: ratio", exitCode: 65)
    }
    let order = NumPyPermutation.permutation(500, seed: 42)
    let rest = order[..<100].map { order[$0] }
    let half = NumPyPermutation.permutation(100, seed: 42)
    return Split(
      train: order[100...].map { order[$0] }, validation: half[50...].map { rest[$0] },
      heldOut: half[..<50].map { rest[$0] })
  }

  /// The split a `test_split.json` gives.
  ///
  /// What it does not list is cut from a random order by `seed`: without train_indices, the rest is shared between
  /// training and validation by their ratios, or goes to training whole where val_indices are given.
  package static func file(
    _ path: String, count: Int, train: Double, validation: Double, seed: UInt64
  ) throws(DatasetError) -> Split {
    let file = try SplitFile(path: path, count: count)
    if let training = file.train {
      return Split(train: training, validation: file.validation ?? [], heldOut: file.heldOut)
    }
    var random = RandomStream(seed: seed, purpose: .split)
    let named = Set(file.heldOut + (file.validation ?? []))
    let rest = random.permutation(count).filter { !named.contains($0) }
    let share = file.validation == nil ? train / max(train + validation, 1e-9) : 1
    let trainCount = Int((Double(rest.count) * share).rounded())
    guard trainCount > 0 else {
      throw DatasetError(
        description: "\(path): of \(count) questions \(rest.count) are left, and none to train on;"
          + " name fewer in test_indices and val_indices, or change train_ratio", exitCode: 65)
    }
    return Split(
      train: Array(rest[..<trainCount]), validation: file.validation ?? Array(rest[trainCount...]),
      heldOut: file.heldOut)
  }

  /// The content of test_split.json.
  package func json(source: String, seed: UInt64) -> JSONValue {
    func list(_ indices: [Int]) -> JSONValue { .array(indices.map(JSONValue.integer)) }
    return .object([
      "split": .string(source), "seed": .integer(Int(truncatingIfNeeded: seed)),
      "train_size": .integer(train.count), "val_size": .integer(validation.count),
      "test_size": .integer(heldOut.count), "test_indices": list(heldOut),
      "val_indices": list(validation), "train_indices": list(train),
    ])
  }
}
