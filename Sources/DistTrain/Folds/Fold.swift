internal import Model

/// One of the parts of a data set that are held out in turn.
package struct Fold: Sendable, Equatable {
  /// Where the parts come from.
  package enum Source: Sendable, Equatable {
    /// Parts of equal size (but for one question) of a random order.
    case count(Int)
    /// A JSON file with one list per fold of its training, validation and held-out indices.
    case file(String)
  }
  package let source: Source
  package let index: Int

  static let prefix = "fold:"
  private static let form = "expected fold:K:FOLDS, K from 0, FOLDS a number of folds or their file"

  /// Reads "fold:K:5" or "fold:K:path".
  init(_ text: String) throws(DatasetError) {
    let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let index = Int(parts[1]), index >= 0 else {
      throw DatasetError(description: "split: '\(text)'; \(Self.form)", exitCode: 65)
    }
    self.index = index
    source = try Self.source(String(parts[2]))
  }

  private static func source(_ text: String) throws(DatasetError) -> Source {
    guard let count = Int(text) else { return .file(text) }
    guard count >= 2 else {
      throw DatasetError(
        description: "folds: \(count) is too few; give 2 or more, or a file", exitCode: 65)
    }
    return .count(count)
  }

  /// How many folds `folds` stands for, of `count` questions.
  static func count(_ folds: String, questions count: Int) throws(DatasetError) -> Int {
    switch try source(folds) {
    case .count(let folds): folds
    case .file(let path): try FoldFile(path: path, count: count).folds.count
    }
  }

  /// The questions that are trained on, watched and held out; what the file does not give to validation is cut from the
  /// training part by the ratios.
  func split(
    count: Int, train: Double, validation: Double, seed: UInt64
  ) throws(DatasetError) -> Split {
    let (given, heldOut): (Split, [Int])
    switch source {
    case .count(let folds):
      var random = RandomStream(seed: seed, purpose: .split)
      let order = random.permutation(count)
      guard folds <= count, index < folds else { throw missing(of: folds) }
      let range = share(of: count, rank: index, worldSize: folds)
      heldOut = Array(order[range])
      given = Split(
        train: Array(order[..<range.lowerBound] + order[range.upperBound...]), validation: [],
        heldOut: heldOut)
    case .file(let path):
      let folds = try FoldFile(path: path, count: count).folds
      guard index < folds.count else { throw missing(of: folds.count) }
      given = folds[index]
      heldOut = given.heldOut
    }
    guard given.validation.isEmpty, validation > 0 else { return given }
    var random = RandomStream(seed: seed, purpose: .split, index + 1)
    let rest = random.permutation(given.train.count).map { given.train[$0] }
    let cut = Int((Double(rest.count) * validation / (train + validation)).rounded())
    guard cut < rest.count else {
      throw DatasetError(
        description: "fold \(index) has nothing to train on; lower val_ratio", exitCode: 65)
    }
    return Split(train: Array(rest[cut...]), validation: Array(rest[..<cut]), heldOut: heldOut)
  }

  private func missing(of count: Int) -> DatasetError {
    DatasetError(
      description: "there is no fold \(index) of \(count), counted from 0, in these questions",
      exitCode: 65)
  }
}

/// A file of folds: a JSON array of [training, validation, held-out] arrays of indices into the data set.
struct FoldFile {
  let folds: [Split]

  /// Reads and checks `path` for `count` questions.
  init(path: String, count: Int) throws(DatasetError) {
    let bytes: [UInt8]
    do { bytes = try InputFile.bytes(path) } catch {
      throw DatasetError(
        description: "cannot read the folds: \(path) \(error.reason)", exitCode: 66)
    }
    let json: JSONValue
    do { json = try JSONParser.parse(bytes) } catch {
      throw DatasetError(
        description: "the folds \(path) are not valid JSON: \(error)", exitCode: 65)
    }
    var folds: [Split] = []
    for (index, item) in (json.arrayValue ?? []).enumerated() {
      let lists = item.arrayValue?.compactMap { list in
        list.arrayValue.flatMap { list -> [Int]? in
          let numbers = list.compactMap(\.intValue)
          return numbers.count == list.count ? numbers : nil
        }
      }
      guard let lists, lists.count == 3, item.arrayValue?.count == 3 else {
        throw DatasetError(
          description:
            "\(path): fold \(index) is not three lists of indices: [train, validation, test]",
          exitCode: 65)
      }
      let split = Split(train: lists[0], validation: lists[1], heldOut: lists[2])
      if let fault = Self.fault(split, count) {
        throw DatasetError(description: "\(path): fold \(index) \(fault)", exitCode: 65)
      }
      folds.append(split)
    }
    guard !folds.isEmpty else {
      throw DatasetError(description: "\(path) has no folds", exitCode: 65)
    }
    self.folds = folds
  }

  private static func fault(_ split: Split, _ count: Int) -> String? {
    let all = split.train + split.validation + split.heldOut
    if let outside = all.first(where: { $0 < 0 || $0 >= count }) {
      return "names question \(outside), but the data set has 0 to \(count - 1)"
    }
    guard Set(all).count == all.count else { return "names a question twice" }
    return split.train.isEmpty || split.heldOut.isEmpty
      ? "has nothing to train on, or nothing held out" : nil
  }
}
