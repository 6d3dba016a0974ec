internal import Foundation

/// What a shell offers for the recipe and settings of a command.
enum SettingCompletion {
  /// Recipes and folders, `key=`, and behind it the values of a choice.
  static func words(_ prefix: String) -> [String] {
    if let equals = prefix.firstIndex(of: "=") {
      let name = String(prefix[..<equals])
      return values(of: name).map { "\(name)=\($0)" }
    }
    return files(prefix)
      + ConfigurationKey.all.map { $0.name + "=" }.filter { $0.hasPrefix(prefix) }
  }

  static func recipes(_ prefix: String) -> [String] {
    do { return try Recipe.all.map(\.name).filter { $0.hasPrefix(prefix) } } catch { return [] }
  }

  private static func values(of name: String) -> [String] {
    switch ConfigurationKey.named(name)?.kind {
    case .choice(let choices): choices
    case .flag: ["true", "false"]
    default: []
    }
  }

  /// YAML files and folders that begin with `prefix`.
  private static func files(_ prefix: String) -> [String] {
    let folder = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
    let start = prefix.dropFirst(folder.count)
    let files = FileManager.default
    let names: [String]
    do { names = try files.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder) } catch {
      return []
    }
    return names.sorted().compactMap { name in
      guard name.hasPrefix(start), start.hasPrefix(".") || !name.hasPrefix(".") else { return nil }
      var isFolder: ObjCBool = false
      _ = unsafe files.fileExists(atPath: folder + name, isDirectory: &isFolder)
      if isFolder.boolValue { return folder + name + "/" }
      return name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? folder + name : nil
    }
  }
}
