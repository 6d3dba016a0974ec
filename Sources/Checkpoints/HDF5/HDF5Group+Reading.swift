extension HDF5Group {
  /// The sizes of the dataset `name`, one or two.
  package func shape(of name: String) throws(HDF5Error) -> [Int] {
    try HDF5Dataset(name, in: self).shape
  }

  /// The numbers of the dataset `name`, in row-major order, if it has this shape.
  package func values<Scalar: HDF5Scalar>(
    of name: String, as type: Scalar.Type, shape: [Int]
  ) throws(HDF5Error) -> [Scalar] {
    let dataset = try HDF5Dataset(name, in: self)
    var values = [Scalar](repeating: .zero, count: dataset.elementCount)
    try dataset.read(into: &values, shape: shape)
    return values
  }

  /// Reads the dataset `name`, if it has this shape, into `values` from `offset` on.
  package func read<Scalar: HDF5Scalar>(
    _ name: String, into values: inout [Scalar], at offset: Int, shape: [Int]
  ) throws(HDF5Error) {
    try HDF5Dataset(name, in: self).read(into: &values, at: offset, shape: shape)
  }

  /// The texts of the dataset `name`.
  package func texts(of name: String) throws(HDF5Error) -> [String] {
    try HDF5Dataset(name, in: self).texts()
  }

  /// The one text of the dataset `name`.
  package func text(of name: String) throws(HDF5Error) -> String {
    let texts = try texts(of: name)
    guard let text = texts.first, texts.count == 1 else {
      throw HDF5Error(
        attempt: "read the dataset \"\(path(of: name))\"",
        reason: "it holds \(texts.count) texts, not one")
    }
    return text
  }
}
