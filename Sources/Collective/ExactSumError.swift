/// Why the gradients of a window could not be summed; the same value on all ranks.
package enum ExactSumError: Error, Equatable, CustomStringConvertible {
  /// A value is not finite, or so large that the window's sum could overflow.
  case unusableValue(rank: Int, index: Int, value: Float, limit: Float)
  /// The ranks sum vectors of different lengths or with different settings.
  case ranksDisagree
  /// More vectors were added, over all ranks, than the sum was made for.
  case tooManyContributions(added: Int, limit: Int)
  /// The ranks could not communicate.
  case communication(MPIError)

  package var description: String {
    switch self {
    case .unusableValue(let rank, let index, let value, let limit):
      "Element \(index) of a gradient on rank \(rank) is \(value); a value must be finite and at "
        + "most \(limit) in magnitude. The adapter was not updated. Lower the learning rate or look "
        + "for a faulty example or base weight."
    case .ranksDisagree:
      "The ranks tried to sum gradients of different lengths or with different settings. "
        + "Start all of them with the same program and configuration."
    case .tooManyContributions(let added, let limit):
      "\(added) gradients were added in a window of \(limit): their sum could have overflowed. "
        + "Start all ranks with the same configuration."
    case .communication(let error):
      "The gradients could not be summed over the ranks. \(error)"
    }
  }

  // By bit pattern, because a NaN is not equal to itself and two reports of it are.
  package static func == (left: ExactSumError, right: ExactSumError) -> Bool {
    left.description == right.description
  }
}
