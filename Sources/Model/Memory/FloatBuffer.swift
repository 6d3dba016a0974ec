/// Zero-initialised, cache-line-aligned storage for 32-bit floats, freed with its owner.
@safe
package struct FloatBuffer: ~Copyable {
  private let memory: ZeroedMemory
  let base: UnsafeMutablePointer<Float>
  /// Number of elements.
  package let count: Int

  /// Allocates `count` zeros.
  package init(count: Int) {
    self.init(ZeroedMemory(byteCount: Self.byteCount(count)), count: count)
  }

  /// `count` floats in a file's pages from byte `offset` on, which others may have too.
  package init(count: Int, file: Int32, offset: Int) {
    let bytes = Self.byteCount(count)
    self.init(ZeroedMemory(byteCount: bytes, file: file, offset: offset), count: count)
  }

  /// Bytes of `count` floats.
  package static func byteCount(_ count: Int) -> Int { count * MemoryLayout<Float>.stride }

  private init(_ memory: consuming ZeroedMemory, count: Int) {
    precondition(count >= 0, "a buffer cannot have \(count) elements")
    self.memory = memory
    unsafe base = self.memory.base.bindMemory(to: Float.self, capacity: count)
    self.count = count
  }

  /// The `rows` x `columns` matrix that begins at element `offset`.
  @_lifetime(borrow self)
  package func matrix(_ rows: Int, _ columns: Int, at offset: Int = 0) -> MutableMatrixView {
    precondition(
      offset >= 0 && rows >= 0 && columns >= 0 && offset + rows * columns <= count,
      "a [\(rows), \(columns)] matrix at \(offset) leaves a buffer of \(count)")
    return unsafe _overrideLifetime(
      MutableMatrixView(base: base + offset, rows: rows, columns: columns, stride: columns),
      borrowing: self)
  }

  /// The matrix of an adapter's arena.
  @_lifetime(borrow self)
  func matrix(_ tensor: AdapterTensor) -> MutableMatrixView {
    matrix(tensor.rows, tensor.columns, at: tensor.offset)
  }

  /// All elements as one row.
  @_lifetime(borrow self)
  package func row() -> MutableMatrixView { matrix(1, count) }

  /// Overwrites every element with zero.
  package func zero() { unsafe base.update(repeating: 0, count: count) }

  /// Overwrites the elements of `range` with zero.
  package func zero(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) leaves \(count)")
    unsafe (base + range.lowerBound).update(repeating: 0, count: range.count)
  }

  /// Overwrites the elements from `offset` on with `values`.
  package func copy(from values: [Float], at offset: Int = 0) {
    precondition(offset >= 0 && offset + values.count <= count, "\(values.count) values do not fit")
    unsafe values.withUnsafeBufferPointer { values in
      guard let source = values.baseAddress else { return }
      unsafe (base + offset).update(from: source, count: values.count)
    }
  }

  /// Overwrites all elements with those of a buffer of the same size.
  package func copy(from other: borrowing FloatBuffer) {
    precondition(other.count == count, "\(other.count) values do not fill \(count)")
    unsafe base.update(from: other.base, count: count)
  }

  /// The elements, copied.
  package func array() -> [Float] {
    unsafe Array(UnsafeBufferPointer(start: base, count: count))
  }

  /// The memory of the elements, copied.
  package var bytes: [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: base, count: count * MemoryLayout<Float>.stride))
  }

  /// The elements, borrowed.
  package var span: Span<Float> {
    @_lifetime(borrow self)
    borrowing get {
      unsafe _overrideLifetime(Span(_unsafeStart: base, count: count), borrowing: self)
    }
  }

  /// The elements, borrowed for writing.
  package var mutableSpan: MutableSpan<Float> {
    @_lifetime(&self)
    mutating get {
      unsafe _overrideLifetime(MutableSpan(_unsafeStart: base, count: count), mutating: &self)
    }
  }
}
