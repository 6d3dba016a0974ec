internal import Collective
internal import Foundation
internal import Glibc

/// The folder of the run: whether it can be written, what room it has, and which hosts see it.
struct OutputChecks {
  let path: String
  private static let token = ".disttrain-doctor"
  /// What a run without a known model may write.
  private static let leastBytes = 256 << 20

  /// Communication: the root's token to all ranks, then who has found it.
  func findings(_ need: MemoryEstimate?, keeping limit: Int, _ job: borrowing Job) throws
    -> [Finding]
  {
    let (ranks, folder) = (job.ranks, path)
    let existed = InputFile.isFolder(folder) != nil
    let file = folder + "/" + Self.token
    var (message, fault) = ([UInt8](), "")
    if ranks.isRoot {
      message = Array(UUID().uuidString.utf8)
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true)
        try Data(message).write(to: URL(filePath: file))
      } catch { fault = error.localizedDescription }
    }
    message = try ranks.broadcast(fault.isEmpty ? message : [])
    guard !message.isEmpty else {
      return [
        .failure(
          "output", "\(folder) cannot be written: \(fault)",
          fix: "give output_dir a folder that you may write to, or make it")
      ]
    }
    let seen = Self.sees(message, at: file)
    let views = try ranks.allGather(Array((seen ? "+" : "-").utf8) + Array(ranks.hostName.utf8))
    let room = disk(need, keeping: limit)
    try ranks.barrier()
    if ranks.isRoot { Self.remove(existed ? file : folder) }
    return [room, shared(views)]
  }

  /// Looks for up to three seconds, as network file systems remember for a while that a file was not there.
  private static func sees(_ token: [UInt8], at file: String) -> Bool {
    for _ in 0..<30 {
      if FileManager.default.contents(atPath: file) == Data(token) { return true }
      usleep(100_000)
    }
    return false
  }

  private static func remove(_ path: String) {
    do { try FileManager.default.removeItem(atPath: path) } catch {
      Console.alert("warning", "cannot remove \(path): \(error.localizedDescription)")
    }
  }

  private func disk(_ need: MemoryEstimate?, keeping limit: Int) -> Finding {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else {
      return .warning(
        "disk", "the free room of \(path) is not known", fix: "look at it with df \(path)")
    }
    let free = Int(status.f_bavail) * Int(status.f_frsize)
    let wanted = need?.disk(keeping: limit) ?? Self.leastBytes
    let detail = "\(Plan.size(free).trimmed) free, \(Plan.size(wanted).trimmed) needed in \(path)"
    guard free < wanted else { return .fine("disk", detail) }
    return .failure("disk", detail, fix: "make room, lower save_total_limit, or change output_dir")
  }

  private func shared(_ views: [[UInt8]]) -> Finding {
    let blind = views.filter { $0.first == UInt8(ascii: "-") }
      .map { String(decoding: $0.dropFirst(), as: UTF8.self) }
    let hosts = Set(views.map { $0.dropFirst() }).count
    guard !blind.isEmpty else {
      return .fine(
        "output", hosts == 1 ? "\(path) can be written" : "\(path) is shared by \(hosts) hosts")
    }
    let names = blind.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    return .warning(
      "output", "\(path) is not shared: \(names.joined(separator: ", ")) cannot see the root's",
      fix: "nothing, if the first host stays: it alone writes checkpoints and results, and reads"
        + " them on resume, so start there again. Where it may be lost, use a shared folder")
  }
}
