/// Why a model, an adapter or one of their files cannot be used.
package struct ModelError: Error, Equatable, CustomStringConvertible {
  package enum Code: Sendable {
    /// A file or folder is not there.
    case missing
    /// A file is there, but its content is wrong.
    case invalid
    /// The content is right, but not of a kind this program computes.
    case unsupported
  }
  package let code: Code
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
