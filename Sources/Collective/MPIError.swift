internal import MPIShim

/// Why a call of the message-passing library failed, or why a job was started wrongly.
package enum MPIError: Error, Equatable, CustomStringConvertible {
  /// A call returned an error: its name, the error's class and text.
  case call(function: String, errorClass: Int, text: String)
  /// Several processes were started without a launcher that connects them.
  case singletons(count: Int)
  /// The library provides less thread support than asked for.
  case threadSupport(provided: Int)

  package var description: String {
    switch self {
    case .call(let function, let errorClass, let text):
      "\(function) failed: \(text) (class \(errorClass))"
    case .singletons(let count):
      "\(count) processes were started, but each sees only itself: the launcher and the MPI library"
        + " do not fit. Start the job with mpirun, or under Slurm with srun --mpi=pmix"
    case .threadSupport(let provided):
      "the MPI library provides thread level \(provided), less than MPI_THREAD_FUNNELED"
    }
  }
}

/// Throws what `code` means if it is not success.
func check(_ code: Int32, _ function: StaticString) throws(MPIError) {
  guard code != MPI_SUCCESS else { return }
  var buffer = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
  var length: Int32 = 0
  var errorClass: Int32 = 0
  _ = unsafe MPI_Error_class(code, &errorClass)
  _ = unsafe MPI_Error_string(code, &buffer, &length)
  let text = String(
    decoding: buffer.prefix(Int(max(0, length))).map(UInt8.init(bitPattern:)), as: UTF8.self)
  throw .call(function: function.description, errorClass: Int(errorClass), text: text)
}
