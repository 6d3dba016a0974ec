internal import Foundation

/// The recipes that come with the program.
package struct Recipe: Sendable, Equatable {
  package let name: String
  package let path: String

  package static var folder: String { Bundle.module.bundlePath + "/Recipes" }

  /// All of them, by name.
  package static var all: [Recipe] {
    get throws {
      let names: [String]
      do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
        throw CommandFailure(
          "\(folder) is missing; keep the .resources folder of the build beside the program",
          exitCode: 66)
      }
      return names.filter { $0.hasSuffix(".yaml") }.sorted().map {
        Recipe(name: String($0.dropLast(5)), path: folder + "/" + $0)
      }
    }
  }

  package static func named(_ name: String) throws -> Recipe? {
    let name = name.hasSuffix(".yaml") ? String(name.dropLast(5)) : name
    return try all.first { $0.name == name }
  }

  /// The first line of its comment.
  package var summary: String {
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    return text.prefix { !$0.isNewline }.drop { $0 == "#" || $0 == " " }.description
  }
}
