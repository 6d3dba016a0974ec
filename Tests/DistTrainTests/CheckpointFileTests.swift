import Checkpoints
import Foundation
import Glibc
import Testing

/// Writes that fail leave what was there, and nothing else.
@Suite struct CheckpointFileTests {
  /// More than the 256 KiB of the small disk below.
  private static func large(step: Int) -> Checkpoint {
    .sample(
      step: step, tensors: [CheckpointTensor(name: "a.lora_A", rows: 64, columns: 1024)])
  }

  private static func mountSmallDisk(at path: String) -> Bool {
    unsafe mount("tmpfs", path, "tmpfs", 0, "size=256k") == 0
  }

  private static let canMount: Bool = {
    guard geteuid() == 0, let folder = try? CheckpointFolder() else { return false }
    guard mountSmallDisk(at: folder.path) else { return false }
    return unsafe umount2(folder.path, 2) == 0
  }()

  @Test(.enabled(if: canMount, "mounting a small tmpfs needs root"))
  func `a full disk leaves the earlier checkpoint and no temporary file`() throws {
    let folder = try CheckpointFolder()
    try #require(Self.mountSmallDisk(at: folder.path))
    defer { unsafe umount2(folder.path, 2) }
    let store = CheckpointStore(folder: folder.path)
    _ = try store.save(.sample(step: 10))
    let error = checkpointError { () throws(CheckpointError) in
      _ = try store.save(Self.large(step: 20))
    }
    guard case .system(_, _, ENOSPC) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.description.contains("No space left") == true)
    #expect(error?.description.contains("free some space") == true)
    #expect(try folder.names() == ["step-000010.h5"])
    #expect(try store.newest().found?.checkpoint == .sample(step: 10))
    _ = try store.save(.sample(step: 30))
    #expect(try store.newest().found?.checkpoint.step == 30)
  }

  @Test func `a file size limit is an error, not the end of the process`() async {
    await #expect(processExitsWith: .success) {
      let folder = try CheckpointFolder()
      let store = CheckpointStore(folder: folder.path)
      _ = try store.save(.sample(step: 10))
      var limit = rlimit(rlim_cur: 200_000, rlim_max: 200_000)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let error = checkpointError { () throws(CheckpointError) in
        _ = try store.save(CheckpointFileTests.large(step: 20))
      }
      let names = try folder.names()
      let newest = try store.newest().found?.checkpoint
      try FileManager.default.removeItem(atPath: folder.path)
      guard case .system(_, _, EFBIG) = error, names == ["step-000010.h5"],
        newest == .sample(step: 10)
      else { exit(1) }
      exit(0)
    }
  }

  @Test func `a folder in the way of the file is an error, and the temporary file is removed`()
    throws
  {
    let folder = try CheckpointFolder()
    let path = folder.path + "/step-000010.h5"
    try FileManager.default.createDirectory(
      atPath: path + "/inside", withIntermediateDirectories: true)
    let error = checkpointError { () throws(CheckpointError) in
      try Checkpoint.sample().write(toFile: path)
    }
    #expect(error?.description.contains("rename") == true)
    #expect(try folder.names() == ["step-000010.h5"])
  }

  @Test func `a temporary file of somebody else is not touched`() throws {
    let folder = try CheckpointFolder()
    let path = folder.path + "/file.h5"
    let temporary = CheckpointFile.temporaryPath(for: path)
    try put("theirs".utf8, at: temporary)
    let error = checkpointError { () throws(CheckpointError) in
      try Checkpoint.sample().write(toFile: path)
    }
    #expect(error == .system(attempt: "create", path: temporary, code: EEXIST))
    #expect(try contents(of: temporary) == Array("theirs".utf8))
    #expect(try folder.names().count == 1)
  }

  @Test func `a missing folder is an error that names it`() throws {
    let folder = try CheckpointFolder()
    let error = checkpointError { () throws(CheckpointError) in
      try Checkpoint.sample().write(toFile: folder.path + "/missing/file.h5")
    }
    #expect(error?.description.contains("/missing/") == true)
    #expect(error?.description.contains("No such file") == true)
  }

  @Test func `bytes that do not verify never get the final name`() throws {
    let folder = try CheckpointFolder()
    let path = folder.path + "/file.h5"
    try Checkpoint.sample().write(toFile: path)
    var bytes = try Checkpoint.sample(seed: 3).sealedBytes()
    bytes[2000] ^= 1
    let error = checkpointError { () throws(CheckpointError) in
      try CheckpointFile.write(bytes, to: path)
    }
    #expect(error == .wrongDigest(path: CheckpointFile.temporaryPath(for: path)))
    #expect(try folder.names() == ["file.h5"])
    #expect(try Checkpoint(contentsOfFile: path) == .sample())
  }

  @Test func `folders and pipes are not checkpoints`() throws {
    let folder = try CheckpointFolder()
    let pipe = folder.path + "/pipe"
    try #require(unsafe mkfifo(pipe, 0o600) == 0)
    for path in [folder.path, pipe, "/dev/zero"] {
      let error = checkpointError { () throws(CheckpointError) in
        _ = try Checkpoint(contentsOfFile: path)
      }
      #expect(error == .notARegularFile(path: path))
    }
  }
}
