/// What the end of an mpirun means for its supervisor.
package enum ExitClassification: Sendable, Equatable {
  case done
  /// Another attempt may go further: a rank was killed or stuck, or a host was lost.
  case retry(reason: String)
  /// Another attempt would end the same way.
  case giveUp(reason: String)

  /// Reads mpirun's exit code, and its text where the code alone says little.
  package init(code: Int32, errorOutput: String) {
    func says(_ text: String) -> Bool { errorOutput.contains(text) }
    switch code {
    case 0: self = .done
    case 64: self = .giveUp(reason: "wrong usage")
    case 65, 66: self = .giveUp(reason: "an input is missing or wrong")
    case 69: self = .giveUp(reason: "the launcher or MPI does not work")
    case 70 where says("the ranks differ"):
      self = .retry(reason: "a rank held another adapter than the others")
    case 70:
      self = .giveUp(reason: "the numbers are not finite, which a repetition would not change")
    case 73, 74: self = .giveUp(reason: "the output cannot be written")
    case 78: self = .giveUp(reason: "the configuration is wrong or the ranks differ")
    case 75: self = .retry(reason: "the job stopped for want of progress or by a signal")
    case _ where says("not enough slots") || says("parse error in the hostfile"):
      self = .giveUp(reason: "the host file does not offer what was asked for")
    case _ where says("unable to find the specified executable") || says("could not access"):
      self = .giveUp(reason: "a host does not have the program at this path")
    case 205: self = .retry(reason: "a host was lost")
    case 129...: self = .retry(reason: "a rank was ended by signal \(code - 128)")
    default: self = .retry(reason: "exit code \(code)")
    }
  }
}
