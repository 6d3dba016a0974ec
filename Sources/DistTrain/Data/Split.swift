internal import Foundation
package import Model

/// Which questions are trained on, watched, and held out; made before anything else sees the data.
package struct Split: Sendable, Equatable {
  /// Indices into the data set, in the order the split gave them.
  package let train: [Int], validation: [Int], heldOut: [Int]

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

  /// The split a `test_split.json` gives; indices it does not name are split by ratio and seed.
  package static func file(
    _ path: String, count: Int, train: Double, validation: Double, seed: UInt64
  ) throws(DatasetError) -> Split {
    let fault = { (reason: String, code: Int32) in
      DatasetError(description: "\(path): \(reason)", exitCode: code)
    }
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw fault("cannot be read; split is ratio, seed or the path of a test_split.json", 66)
    }
    let json: JSONValue
    do { json = try JSONParser.parse(Array(bytes)) } catch { throw fault(error.description, 65) }
    var seen: Set<Int> = []
    func indices(_ key: String) throws(DatasetError) -> [Int]? {
      guard let value = json[key] else { return nil }
      guard let indices = value.arrayValue?.map({ $0.intValue ?? -1 }) else {
        throw fault("\(key) is not a list", 65)
      }
      for index in indices {
        guard (0..<count).contains(index) else {
          throw fault("\(key) has \(index), outside of the data set's 0..<\(count)", 65)
        }
        guard seen.insert(index).inserted else { throw fault("index \(index) occurs twice", 65) }
      }
      return indices
    }
    guard let heldOut = try indices("test_indices"), !heldOut.isEmpty else {
      throw fault("test_indices is missing or empty", 65)
    }
    if let training = try indices("train_indices") {
      return Split(train: training, validation: try indices("val_indices") ?? [], heldOut: heldOut)
    }
    var random = RandomStream(seed: seed, purpose: .split)
    let rest = random.permutation(count).filter { !seen.contains($0) }
    let trainCount = Int((Double(rest.count) * train / max(train + validation, 1e-9)).rounded())
    return Split(
      train: Array(rest[..<trainCount]), validation: Array(rest[trainCount...]), heldOut: heldOut)
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
