import CHDF5

/// Why HDF5 could not do something, or why what it found is not what was expected.
package struct HDF5Error: Error, Equatable, CustomStringConvertible {
  /// What was attempted, to follow "HDF5 cannot".
  package let attempt: String
  package let reason: String

  package init(attempt: String, reason: String) {
    self.attempt = attempt
    self.reason = reason
  }

  package var description: String { "HDF5 cannot \(attempt): \(reason)" }
}

extension HDF5Error {
  private struct Frame {
    let function: String
    let text: String
  }

  /// The error whose cause is what HDF5's own error stack of this thread says.
  static func fromStack(_ attempt: String) -> HDF5Error {
    var frames: [Frame] = []
    let walked = unsafe withUnsafeMutablePointer(to: &frames) { frames in
      unsafe H5Ewalk2(
        hdf5_shim_default_error_stack(), H5E_WALK_DOWNWARD,
        { _, error, context in
          guard let error = unsafe error?.pointee,
            let frames = unsafe context?.assumingMemoryBound(to: [Frame].self)
          else { return -1 }
          unsafe frames.pointee.append(
            Frame(function: text(error.func_name), text: text(error.desc)))
          return 0
        }, frames)
    }
    guard walked >= 0, let outer = frames.first, let inner = frames.last else {
      return HDF5Error(attempt: attempt, reason: "the library gives no reason")
    }
    let reason =
      frames.count == 1
      ? "\(inner.text) (\(inner.function))"
      : "\(inner.text) (\(inner.function), called by \(outer.function): \(outer.text))"
    return HDF5Error(attempt: attempt, reason: reason)
  }
}

private func text(_ pointer: UnsafePointer<CChar>?) -> String {
  unsafe pointer.map { unsafe String(cString: $0) } ?? "unknown"
}

/// Passes a result of HDF5 on, or throws its error stack if the result is negative.
@discardableResult
func check<Result: SignedInteger>(
  _ result: Result, _ attempt: @autoclosure () -> String
) throws(HDF5Error) -> Result {
  guard result >= 0 else { throw HDF5Error.fromStack(attempt()) }
  return result
}
