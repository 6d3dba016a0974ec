internal import Foundation

/// Whole files that the user names; those that cannot be read are missing input, exit code 66.
enum InputFile {
  /// Completes the sentence "<file> ...".
  struct Failure: Error { let reason: String }

  /// Whether `path` is a folder; nil where there is nothing.
  static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return exists ? isFolder.boolValue : nil
  }

  static func bytes(_ path: String) throws(Failure) -> [UInt8] {
    guard let isFolder = isFolder(path) else { throw Failure(reason: "does not exist") }
    guard !isFolder else { throw Failure(reason: "is a folder, not a file") }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(reason: "cannot be read; check its permissions")
    }
    return Array(data)
  }
}
