/// Why the ranks could not start or could not communicate.
package enum MPIError: Error, Equatable, CustomStringConvertible {
  /// An MPI function returned an error; what the ranks have sent each other is undefined from here on.
  case call(function: String, errorClass: Int32, text: String)
  /// More elements than MPI's 32-bit counts can express.
  case count(function: String, elements: Int)
  /// The MPI library does not allow threads beside the one that communicates.
  case threadLevel(provided: Int32)
  /// A launcher was asked for several processes, and each of them came up as a world of one.
  case separateWorlds(variable: String, processes: Int)

  package var description: String {
    switch self {
    case .call(let function, let errorClass, let text):
      "\(function) failed: \(text) (MPI error class \(errorClass)). "
        + "End the job and resume it from its last checkpoint."
    case .count(let function, let elements):
      "\(function) cannot send \(elements) elements in one call, the limit is \(Int32.max). "
        + "Send them in smaller pieces."
    case .threadLevel(let provided):
      "The MPI library offers thread level \(provided), and MPI_THREAD_SERIALIZED is needed. "
        + "Use an Open MPI that was built with thread support, as Debian's is."
    case .separateWorlds(let variable, let processes):
      "\(variable) asks for \(processes) processes, but this one found no other: each of them "
        + "would train alone. Start the program with the mpirun of the Open MPI it is linked with, "
        + "or under Slurm with 'srun --mpi=pmix'."
    }
  }
}
