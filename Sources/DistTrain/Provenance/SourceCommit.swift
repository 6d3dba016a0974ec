internal import Foundation

/// The git commit of the checkout that a program was built in, read without git.
package enum SourceCommit {
  /// The commit that is checked out in the folders above `path`; nil where there is none.
  package static func current(above path: String) -> String? {
    var folder = URL(filePath: path).standardizedFileURL.path
    while folder != "/" {
      if let git = gitFolder(folder) { return commit(git) }
      folder = URL(filePath: folder).deletingLastPathComponent().path
    }
    return nil
  }

  /// `.git`, or the folder that a worktree's file of this name points to (gitrepository-layout(5)).
  private static func gitFolder(_ folder: String) -> String? {
    let path = folder + "/.git"
    if FileManager.default.fileExists(atPath: path + "/HEAD") { return path }
    guard let text = text(path), text.hasPrefix("gitdir: ") else { return nil }
    let target = text.dropFirst(8).description
    return target.hasPrefix("/") ? target : folder + "/" + target
  }

  private static func commit(_ git: String) -> String? {
    guard let head = text(git + "/HEAD") else { return nil }
    guard head.hasPrefix("ref: ") else { return isCommit(head) ? head : nil }
    let name = head.dropFirst(5).description
    let common = text(git + "/commondir").map { $0.hasPrefix("/") ? $0 : git + "/" + $0 } ?? git
    for folder in [git, common] {
      if let commit = text(folder + "/" + name), isCommit(commit) { return commit }
    }
    let packed = text(common + "/packed-refs")?.split(separator: "\n") ?? []
    let line = packed.first { $0.hasSuffix(" " + name) }
    return line?.split(separator: " ").first.map(String.init).flatMap { isCommit($0) ? $0 : nil }
  }

  private static func isCommit(_ text: String) -> Bool {
    [40, 64].contains(text.utf8.count) && text.allSatisfy(\.isHexDigit)
  }

  private static func text(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self).trimmed }
      .map { $0.trimmingCharacters(in: .newlines) }
  }
}
