import Checkpoints
import Foundation
import Glibc
import Testing

@Suite struct CheckpointStoreTests {
  private let folder: CheckpointFolder
  private let store: CheckpointStore

  init() throws {
    folder = try CheckpointFolder()
    store = CheckpointStore(folder: folder.path + "/checkpoints")
    try store.prepare()
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: store.folder).sorted()
  }

  private func damage(step: Int, at position: Int = 4000) throws {
    var bytes = try contents(of: store.path(ofStep: step))
    bytes[position] ^= 4
    try put(bytes, at: store.path(ofStep: step))
  }

  @Test func `a save is found under the name of its step`() throws {
    let path = try store.save(.sample(step: 120))
    #expect(path == store.folder + "/step-000120.h5")
    #expect(try names() == ["step-000120.h5"])
    #expect(try store.load(path) == .sample(step: 120))
  }

  @Test func `others may read the file`() throws {
    let path = try store.save(.sample())
    var status = stat()
    try #require(unsafe stat(path, &status) == 0)
    let mask = umask(0)
    umask(mask)
    #expect(status.st_mode & 0o777 == 0o644 & ~mask)
  }

  @Test func `saving a step again replaces it`() throws {
    _ = try store.save(.sample(seed: 1, step: 5))
    _ = try store.save(.sample(seed: 2, step: 5))
    #expect(try names() == ["step-000005.h5"])
    #expect(try store.newest().found?.checkpoint == .sample(seed: 2, step: 5))
  }

  @Test func `an empty or missing folder has no newest`() throws {
    #expect(try store.newest().found == nil)
    let missing = CheckpointStore(folder: folder.path + "/missing")
    let search = try missing.newest()
    #expect(search.found == nil && search.refused.isEmpty)
  }

  @Test func `newest goes by number, not by spelling`() throws {
    for step in [999_999, 1_000_000, 20] { _ = try store.save(.sample(step: step)) }
    #expect(try store.newest().found?.checkpoint.step == 1_000_000)
  }

  @Test func `newest goes back to an undamaged one and says why`() throws {
    for step in [10, 20, 30, 40] { _ = try store.save(.sample(step: step)) }
    try damage(step: 40)
    try put(contents(of: store.path(ofStep: 30)).dropLast(100), at: store.path(ofStep: 30))
    let search = try store.newest()
    #expect(search.found?.path == store.path(ofStep: 20))
    #expect(search.found?.checkpoint == .sample(step: 20))
    let paths = [40, 30].map(store.path(ofStep:))
    #expect(search.refused.map(\.path) == paths)
    #expect(search.refused.first?.reason == .wrongDigest(path: paths[0]))
    #expect(search.refused.last?.reason.description.contains("cut off") == true)
  }

  @Test func `if all are damaged, none is found and all are listed`() throws {
    for step in [10, 20, 30] {
      _ = try store.save(.sample(step: step))
      try damage(step: step)
    }
    let search = try store.newest()
    #expect(search.found == nil)
    #expect(search.refused.count == 3)
  }

  @Test func `a file under the name of another step is refused`() throws {
    _ = try store.save(.sample(step: 10))
    try put(contents(of: store.path(ofStep: 10)), at: store.path(ofStep: 90))
    let search = try store.newest()
    #expect(search.found?.checkpoint.step == 10)
    #expect(search.refused.first?.reason == .wrongStep(path: store.path(ofStep: 90), step: 10))
  }

  @Test func `folders, pipes and links in place of a checkpoint do no harm`() throws {
    _ = try store.save(.sample(step: 10))
    try FileManager.default.createDirectory(
      atPath: store.path(ofStep: 20), withIntermediateDirectories: false)
    try #require(unsafe mkfifo(store.path(ofStep: 30), 0o600) == 0)
    try #require(unsafe symlink("/dev/zero", store.path(ofStep: 40)) == 0)
    try #require(unsafe symlink("nowhere", store.path(ofStep: 50)) == 0)
    let search = try store.newest()
    #expect(search.found?.checkpoint.step == 10)
    #expect(search.refused.count == 4)
    #expect(try store.prune(keeping: 1).isEmpty)
    #expect(try names().count == 5)
  }

  @Test func `a sparse giant is refused without being read`() throws {
    let path = try store.save(.sample(step: 10))
    try #require(unsafe truncate(path, 1 << 40) == 0)
    #expect(try store.newest().refused.count == 1)
  }
}

@Suite struct CheckpointStorePruningTests {
  private let folder: CheckpointFolder
  private let store: CheckpointStore

  init() throws {
    folder = try CheckpointFolder()
    store = CheckpointStore(folder: folder.path)
    for step in [10, 20, 30, 40] { _ = try store.save(.sample(step: step)) }
  }

  private func damage(step: Int) throws {
    var bytes = try contents(of: store.path(ofStep: step))
    bytes[4000] ^= 4
    try put(bytes, at: store.path(ofStep: step))
  }

  @Test(
    arguments: [
      (nil, [10, 20, 30, 40]), (9, [10, 20, 30, 40]), (3, [20, 30, 40]), (1, [40]), (0, [40]),
      (-1, [40]),
    ] as [(Int?, [Int])])
  func `the newest stay`(limit: Int?, kept: [Int]) throws {
    let deleted = try store.prune(keeping: limit)
    #expect(try folder.names() == kept.map { "step-0000\($0).h5" })
    #expect(deleted.count == 4 - kept.count)
  }

  @Test func `the newest undamaged one stays although it is old`() throws {
    for step in [20, 30, 40] { try damage(step: step) }
    #expect(try store.prune(keeping: 1) == [30, 20].map(store.path(ofStep:)))
    #expect(try store.newest().found?.checkpoint.step == 10)
  }

  @Test func `if all are damaged, all stay`() throws {
    for step in [10, 20, 30, 40] { try damage(step: step) }
    #expect(try store.prune(keeping: 1).isEmpty)
    #expect(try folder.names().count == 4)
  }

  @Test func `protected ones stay`() throws {
    let best = store.path(ofStep: 10)
    #expect(try store.prune(keeping: 2, protecting: [best]) == [store.path(ofStep: 20)])
    #expect(try folder.names().count == 3)
  }

  @Test func `other files stay`() throws {
    let others = [
      "notes.txt", "step-000005.h5.bak", "step-5.h5", "step--00001.h5", "step-0000005.h5",
      "step-000001.h5",
    ]
    for name in others { try put("mine".utf8, at: folder.path + "/" + name) }
    _ = try store.prune(keeping: 1)
    #expect(try folder.names() == (others + ["step-000040.h5"]).sorted())
  }

  @Test func `stale temporary files are removed at the start, other files are not`() throws {
    let stale = [".step-000050.h5.4711.tmp", ".step-000010.h5.1.tmp"]
    let others = [".step-000050.h5.tmp", "step-000050.h5.12.tmp", ".other.12.tmp", ".swp"]
    for name in stale + others { try put("half".utf8, at: folder.path + "/" + name) }
    try store.prepare()
    let names = try folder.names()
    #expect(stale.allSatisfy { !names.contains($0) })
    #expect(others.allSatisfy { names.contains($0) })
    #expect(names.count == 4 + others.count)
  }
}
