internal import Checkpoints
internal import Collective
internal import Model

/// A failure that ends the program with one sentence and a documented exit code.
package struct CommandFailure: Error, CustomStringConvertible {
  package let description: String
  package let exitCode: Int32

  package init(_ description: String, exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }

  /// The exit code of a job that was asked to stop: start it again with resume_from_checkpoint=auto.
  package static let stopped: Int32 = 75

  /// What `error` means to the shell: 65 bad input, 66 missing input, 69 launcher, 70 numbers, 73 output, 74 I/O,
  /// 78 configuration or ranks that differ.
  package static func exitCode(of error: any Error) -> Int32 {
    switch error {
    case let error as CommandFailure: error.exitCode
    case is StopRequested: stopped
    case let error as ConfigurationError: error.exitCode
    case let error as DatasetError: error.exitCode
    case let error as ModelError: error.code == .missing ? 66 : 65
    case is TokenizerError: 65
    case is MPIError: 69
    case is ExactSumError: 70
    case let error as HandshakeError: if case .mismatch = error { 78 } else { 69 }
    case let error as CheckpointError:
      if case .system = error { 74 } else { 65 }
    default: 1
    }
  }
}

/// A signal asked a rank to stop, and all ranks have learned of it.
struct StopRequested: Error, CustomStringConvertible {
  let description = "stopped by a signal; start again with resume_from_checkpoint=auto"
}

/// A failure whose reason has been told and logged already; what is left is to end the process, and with it the job.
struct ReportedFailure: Error {
  let exitCode: Int32
}
