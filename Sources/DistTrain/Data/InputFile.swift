internal import Foundation
internal import Model

/// Whole files that the user names; those that cannot be read are missing input, exit code 66.
enum InputFile {
  /// Whether `path` is a folder; nil where there is nothing.
  static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return exists ? isFolder.boolValue : nil
  }

  /// The bytes of a regular file; the default limit is more than a data set that fits in memory when it is read.
  static func bytes(
    _ path: String, limit: Int = 1 << 30
  ) throws(WholeFile.Failure) -> [UInt8] {
    try WholeFile.bytes(path, limit: limit)
  }
}
