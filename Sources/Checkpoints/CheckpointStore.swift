import Glibc

/// A file that looked like a checkpoint and was not used, and why.
package struct RefusedCheckpoint: Sendable, Equatable {
  package let path: String
  package let reason: CheckpointError
}

/// What `CheckpointStore.newest()` found.
package struct CheckpointSearch: Sendable {
  /// The newest checkpoint that is undamaged, and its file; nil if there is none.
  package let found: (path: String, checkpoint: Checkpoint)?
  /// The newer ones that are not, newest first.
  package let refused: [RefusedCheckpoint]
}

/// The checkpoints of one run: `step-000120.h5` and so on in one folder.
package struct CheckpointStore: Sendable {
  package let folder: String

  package init(folder: String) { self.folder = folder }

  /// Makes the folder if need be, and removes temporary files that killed writers left; for the process that will save.
  package func prepare() throws(CheckpointError) {
    guard unsafe mkdir(folder, 0o755) == 0 || errno == EEXIST else {
      throw .system(attempt: "make the folder", path: folder, code: errno)
    }
    for name in try names() where Self.isTemporary(name) {
      let path = "\(folder)/\(name)"
      guard Self.isRegularFile(path) else { continue }
      try Self.remove(path)
    }
  }

  /// Writes a checkpoint under the name of its step, verifies it and returns its path.
  package func save(_ checkpoint: Checkpoint) throws(CheckpointError) -> String {
    let path = path(ofStep: checkpoint.step)
    try checkpoint.write(toFile: path)
    return path
  }

  /// Where the checkpoint of a step lies.
  package func path(ofStep step: Int) -> String { "\(folder)/\(Self.name(ofStep: step))" }

  /// Reads one checkpoint, wherever it lies.
  package func load(_ path: String) throws(CheckpointError) -> Checkpoint {
    try Checkpoint(contentsOfFile: path)
  }

  /// The newest checkpoint that can be trusted, going back as far as need be.
  package func newest() throws(CheckpointError) -> CheckpointSearch {
    var refused: [RefusedCheckpoint] = []
    for step in try steps() {
      let path = path(ofStep: step)
      do throws(CheckpointError) {
        let checkpoint = try load(path)
        guard checkpoint.step == step else {
          throw .wrongStep(path: path, step: checkpoint.step)
        }
        return CheckpointSearch(found: (path, checkpoint), refused: refused)
      } catch {
        refused.append(RefusedCheckpoint(path: path, reason: error))
      }
    }
    return CheckpointSearch(found: nil, refused: refused)
  }

  /// The step in the name of the newest file; nil where there is none or the folder cannot be listed.
  package var newestStep: Int? {
    do throws(CheckpointError) { return try steps().first } catch { return nil }
  }

  /// Deletes all but the newest `limit` checkpoints and returns the paths deleted; nil keeps all.
  ///
  /// Only files that have both a checkpoint's name and its first bytes are touched, never the newest undamaged one
  /// and never those in `protected`; if none is undamaged, nothing is deleted.
  package func prune(
    keeping limit: Int?, protecting protected: Set<String> = []
  ) throws(CheckpointError) -> [String] {
    guard let limit else { return [] }
    let paths = try steps().map { path(ofStep: $0) }.filter(Self.hasMagic)
    guard let newestGood = paths.first(where: Self.isUndamaged) else { return [] }
    let surplus = paths.dropFirst(max(1, limit)).filter {
      $0 != newestGood && !protected.contains($0)
    }
    for path in surplus { try Self.remove(path) }
    return surplus
  }
}

// MARK: Names

extension CheckpointStore {
  private static let prefix = "step-"
  private static let suffix = ".h5"
  private static let digits = 6

  private static func name(ofStep step: Int) -> String {
    let number = String(step)
    let zeros = String(repeating: "0", count: max(0, digits - number.count))
    return prefix + zeros + number + suffix
  }

  /// The step in a name that `name(ofStep:)` makes; nil for every other name.
  private static func step(ofName name: String) -> Int? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix),
      let step = Int(name.dropFirst(prefix.count).dropLast(suffix.count)), step >= 0,
      self.name(ofStep: step) == name
    else { return nil }
    return step
  }

  /// Whether a name is what `CheckpointFile.temporaryPath` makes of a checkpoint's name.
  private static func isTemporary(_ name: String) -> Bool {
    guard name.hasPrefix("."), name.hasSuffix(CheckpointFile.temporarySuffix) else { return false }
    let middle = name.dropFirst().dropLast(CheckpointFile.temporarySuffix.count)
    guard let stop = middle.lastIndex(of: "."), Int(middle[middle.index(after: stop)...]) != nil
    else { return false }
    return step(ofName: String(middle[..<stop])) != nil
  }

  /// The steps of all files with a checkpoint's name, newest first; none if there is no folder.
  private func steps() throws(CheckpointError) -> [Int] {
    try names().compactMap(Self.step(ofName:)).sorted(by: >)
  }

  private func names() throws(CheckpointError) -> [String] {
    var opened = unsafe opendir(folder)
    while unsafe opened == nil && errno == EINTR { unsafe opened = opendir(folder) }
    guard let stream = unsafe opened else {
      if errno == ENOENT { return [] }
      throw .system(attempt: "list the folder", path: folder, code: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let name { names.append(name) }
      errno = 0
    }
    guard errno == 0 else {
      throw .system(attempt: "list the folder", path: folder, code: errno)
    }
    return names
  }
}

// MARK: Files

extension CheckpointStore {
  private static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func hasMagic(_ path: String) -> Bool {
    guard isRegularFile(path) else { return false }
    return CheckpointFile.hasMagic(path)
  }

  private static func isUndamaged(_ path: String) -> Bool {
    do throws(CheckpointError) {
      try CheckpointFile.verify(path)
      return true
    } catch {
      return false
    }
  }

  private static func remove(_ path: String) throws(CheckpointError) {
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
      throw .system(attempt: "delete", path: path, code: errno)
    }
  }
}
