internal import Model

/// The index lists of a `test_split.json`: test_indices, and maybe val_indices and train_indices.
struct SplitFile {
  let heldOut: [Int]
  let validation: [Int]?, train: [Int]?

  /// Reads lists of indices into `count` questions; no index may stand twice, and no list that counts may be empty.
  init(path: String, count: Int) throws(DatasetError) {
    let bytes: [UInt8]
    do { bytes = try InputFile.bytes(path) } catch {
      throw DatasetError(
        description: "split: \(path) \(error.reason); split is ratio, seed or the path of a"
          + " test_split.json", exitCode: 66)
    }
    let json: JSONValue
    do { json = try JSONParser.parse(bytes) } catch {
      throw DatasetError(description: "\(path) is not valid JSON: \(error)", exitCode: 65)
    }
    guard let object = json.objectValue else {
      throw DatasetError(
        description: "\(path) is \(json.kind); expected an object with test_indices", exitCode: 65)
    }
    var reader = Reader(path: path, count: count, object: object)
    guard let heldOut = try reader.indices("test_indices") else {
      throw reader.fault("test_indices is missing; list the held-out questions, counted from 0")
    }
    validation = try reader.indices("val_indices")
    train = try reader.indices("train_indices")
    guard !heldOut.isEmpty else { throw reader.fault("test_indices is empty; nothing is held out") }
    guard train?.isEmpty != true else {
      throw reader.fault("train_indices is empty; leave it out to train on the rest")
    }
    self.heldOut = heldOut
    try reader.checkSizes(
      heldOut: heldOut.count, validation: validation?.count, train: train?.count)
  }

  private struct Reader {
    let path: String
    let count: Int
    let object: JSONObject
    /// The list in which each index was seen.
    private var owners: [Int: String] = [:]

    init(path: String, count: Int, object: JSONObject) {
      self.path = path
      self.count = count
      self.object = object
    }

    func fault(_ reason: String) -> DatasetError {
      DatasetError(description: "\(path): \(reason)", exitCode: 65)
    }

    mutating func indices(_ key: String) throws(DatasetError) -> [Int]? {
      guard let value = object[key], value != .null else { return nil }
      guard let items = value.arrayValue else {
        throw fault("\(key) is \(value.kind); expected a list of indices")
      }
      var indices: [Int] = []
      for item in items {
        guard let index = item.intValue else {
          let found = item.doubleValue.map { String($0) } ?? item.kind
          throw fault("\(key) holds \(found); expected whole numbers")
        }
        guard (0..<count).contains(index) else {
          throw fault("\(key) holds \(index); the data set has the questions 0 to \(count - 1)")
        }
        if let owner = owners.updateValue(key, forKey: index) {
          throw fault(
            owner == key
              ? "\(key) holds \(index) twice" : "question \(index) is in \(owner) and in \(key)")
        }
        indices.append(index)
      }
      return indices
    }

    /// Sizes that the file states must be those of its lists, and of this data set where it states all three.
    func checkSizes(heldOut: Int, validation: Int?, train: Int?) throws(DatasetError) {
      let lists = [("test_size", heldOut), ("val_size", validation), ("train_size", train)]
      for (key, size) in lists {
        guard let stated = object[key]?.intValue, let size, stated != size else { continue }
        throw fault("\(key) is \(stated), but its list has \(size) indices")
      }
      let stated = lists.compactMap { object[$0.0]?.intValue }
      guard stated.count == 3, train == nil else { return }
      guard stated.reduce(0, +) == count else {
        throw fault(
          "its sizes add up to \(stated.reduce(0, +)), but the data set has \(count) questions;"
            + " it was made for another one")
      }
    }
  }
}
