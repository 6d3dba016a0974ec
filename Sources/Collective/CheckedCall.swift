internal import MPIShim

/// Throws unless an MPI function returned success; every call goes through here (MPI 3.1, 8.4).
func check(_ code: Int32, _ function: String) throws(MPIError) {
  guard code != MPI_SUCCESS else { return }
  var errorClass: Int32 = 0
  _ = unsafe MPI_Error_class(code, &errorClass)
  throw .call(function: function, errorClass: errorClass, text: errorText(code))
}

/// A number of elements as MPI wants it.
func checkedCount(_ elements: Int, _ function: String) throws(MPIError) -> Int32 {
  guard let count = Int32(exactly: elements) else {
    throw .count(function: function, elements: elements)
  }
  return count
}

/// MPI's own sentence for an error code.
private func errorText(_ code: Int32) -> String {
  var length: Int32 = 0
  let text = unsafe [CChar](unsafeUninitializedCapacity: Int(MPI_MAX_ERROR_STRING)) {
    buffer, initializedCount in
    unsafe buffer.initialize(repeating: 0)
    _ = unsafe MPI_Error_string(code, buffer.baseAddress, &length)
    initializedCount = Int(length)
  }
  return String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
