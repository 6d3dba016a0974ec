import Foundation
import Glibc
import Model
import TestSupport
import Testing

struct WholeFileTests {
  private static func failure(_ path: String, limit: Int = 1 << 20) -> WholeFile.Failure? {
    do {
      _ = try WholeFile.bytes(path, limit: limit)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a file up to the limit is read whole`() throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let path = try folder.write(bytes, to: "a")
    #expect(try WholeFile.bytes(path, limit: bytes.count) == bytes)
    #expect(Self.failure(path, limit: 69_999) == .tooLarge(bytes: 70_000, limit: 69_999))
    #expect(try WholeFile.bytes(folder.write("", to: "empty"), limit: 0).isEmpty)
  }

  @Test func `what is no regular file is refused without waiting for it`() throws {
    let folder = try TemporaryFolder()
    try #require(unsafe mkfifo(folder.path + "/pipe", 0o600) == 0)
    #expect(Self.failure(folder.path + "/pipe") == .notRegular)
    #expect(Self.failure("/dev/zero") == .notRegular)
    #expect(Self.failure(folder.path) == .folder)
    #expect(Self.failure(folder.path + "/none") == .system(ENOENT))
    let giant = try folder.write("x", to: "giant")
    try #require(unsafe truncate(giant, 1 << 40) == 0)
    #expect(Self.failure(giant) == .tooLarge(bytes: 1 << 40, limit: 1 << 20))
  }

  @Test func `a file that becomes shorter meanwhile is refused`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 1, count: 5000), to: "a")
    let descriptor = unsafe open(path, O_RDONLY)
    defer { close(descriptor) }
    try #require(unsafe truncate(path, 100) == 0)
    #expect(throws: WholeFile.Failure.shortened) {
      try WholeFile.bytes(of: descriptor, count: 5000)
    }
  }
}

/// The processes end on purpose, so each gets a file that this one removes.
struct MappedFileTests {
  @Test(arguments: [0, 4096])
  func `a mapped file that is cut off ends the process with its name`(left: Int) async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 7, count: 10_000), to: "cut.safetensors")
    let result = await #expect(
      processExitsWith: .exitCode(65), observing: [\.standardErrorContent]
    ) { [path = path as String, left = left as Int] in
      let other = try MappedFile(path: path)
      let file = try MappedFile(path: path)
      guard unsafe truncate(path, left) == 0 else { exit(1) }
      withExtendedLifetime(other) { exit(file.bytes(0..<10_000)[9_999] == 7 ? 2 : 3) }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("error: \(path) lost bytes while it was in use"), "\(text)")
    #expect(text.split(separator: "\n").filter { $0.contains("error:") }.count == 1)
  }

  @Test func `another SIGBUS is left to whoever handled it before`() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 7, count: 10_000), to: "a")
    await #expect(processExitsWith: .signal(SIGBUS)) { [path = path as String] in
      _ = signal(SIGBUS, SIG_DFL)
      let file = try MappedFile(path: path)
      let descriptor = unsafe open(path, O_RDONLY)
      let own = unsafe mmap(nil, 10_000, PROT_READ, MAP_SHARED, descriptor, 0)
      guard unsafe truncate(path, 0) == 0 else { exit(1) }
      withExtendedLifetime(file) {
        exit(unsafe own?.load(fromByteOffset: 5000, as: UInt8.self) == 7 ? 2 : 3)
      }
    }
    await #expect(processExitsWith: .signal(SIGBUS)) { [path = path as String] in
      _ = signal(SIGBUS, SIG_DFL)
      try Data(repeating: 7, count: 100).write(to: URL(filePath: path))
      let file = try MappedFile(path: path)
      raise(SIGBUS)
      withExtendedLifetime(file) { exit(2) }
    }
  }

  @Test func `a file that is no longer mapped is no longer watched`() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 7, count: 10_000), to: "a")
    await #expect(processExitsWith: .exitCode(0)) { [path = path as String] in
      for _ in 0..<5000 { _ = try MappedFile(path: path) }
      exit(0)
    }
    await #expect(processExitsWith: .exitCode(65)) { [path = path as String] in
      for _ in 0..<2000 { _ = try MappedFile(path: path) }
      let file = try MappedFile(path: path)
      guard unsafe truncate(path, 0) == 0 else { exit(1) }
      exit(file.bytes(0..<1)[0] == 7 ? 2 : 3)
    }
  }
}
