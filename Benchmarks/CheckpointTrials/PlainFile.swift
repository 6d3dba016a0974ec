internal import CHDF5
internal import Checkpoints
internal import Synchronization

/// The content of a checkpoint as a program writes and reads it that takes HDF5's defaults: contiguous datasets, no checksum.
enum PlainFile {
  private static let number = Mutex(0)

  struct Content: Equatable {
    var floats: [String: [Float]] = [:]
    var integers: [String: [Int64]] = [:]
    var texts: [String: [UInt8]] = [:]
  }

  static func content(of checkpoint: Checkpoint) -> Content {
    var content = Content()
    content.floats["first_moment"] = checkpoint.firstMoment
    content.floats["second_moment"] = checkpoint.secondMoment
    var offset = 0
    for tensor in checkpoint.tensors {
      let range = offset..<offset + tensor.elementCount
      content.floats[tensor.name] = Array(checkpoint.parameters[range])
      offset = range.upperBound
    }
    content.integers["shapes"] = checkpoint.tensors.flatMap { [Int64($0.rows), Int64($0.columns)] }
    content.integers["position"] = [
      checkpoint.step, checkpoint.epoch, checkpoint.windowInEpoch, checkpoint.totalSteps,
      checkpoint.tokensSeen, Int(bitPattern: UInt(checkpoint.seed)),
    ].map { Int64($0) }
    content.texts["names"] = Array(checkpoint.tensors.map(\.name).joined(separator: "\n").utf8)
    content.texts["configuration"] = Array(checkpoint.configuration.utf8)
    content.texts["provenance"] = Array(checkpoint.provenance.utf8)
    content.texts["history"] = Array(checkpoint.history.joined(separator: "\n").utf8)
    content.texts["state"] = Array(checkpoint.state.utf8)
    return content
  }

  /// Every dataset's name, type and number of elements, in the order of writing.
  private static func layout(of content: Content) -> [(name: String, type: hid_t, count: Int)] {
    content.floats.map { ($0.key, hdf5_shim_stored_float(), $0.value.count) }
      + content.integers.map { ($0.key, hdf5_shim_stored_int64(), $0.value.count) }
      + content.texts.map { ($0.key, hdf5_shim_c_string(), $0.value.count) }
  }

  private static func nextName() -> String {
    number.withLock {
      $0 += 1
      return "plain-\($0)"
    }
  }

  // MARK: Writing

  /// The file's bytes, and where the values lie in it.
  static func bytes(of content: Content) -> (bytes: [UInt8], values: [Range<Int>]) {
    H5open()
    let access = H5Pcreate(hdf5_shim_file_access_class())
    let list = hdf5_shim_default_list()
    H5Pset_fapl_core(access, 1 << 20, false)
    let file = unsafe H5Fcreate(nextName(), hdf5_shim_truncate(), list, access)
    for (name, type, count) in layout(of: content).sorted(by: { $0.name < $1.name })
    where count > 0 {
      var size = hsize_t(count)
      let space = unsafe H5Screate_simple(1, &size, nil)
      let dataset = unsafe H5Dcreate2(file, name, type, space, list, list, list)
      write(content, name, to: dataset, type)
      H5Dclose(dataset)
      H5Sclose(space)
    }
    H5Fflush(file, H5F_SCOPE_LOCAL)
    let values = ranges(file, layout(of: content).map(\.name))
    let count = H5Fget_file_image(file, nil, 0)
    var bytes = [UInt8](repeating: 0, count: count)
    _ = unsafe bytes.withUnsafeMutableBytes {
      unsafe H5Fget_file_image(file, $0.baseAddress, count)
    }
    H5Fclose(file)
    H5Pclose(access)
    return (bytes, values)
  }

  private static func write(_ content: Content, _ name: String, to dataset: hid_t, _ type: hid_t) {
    let all = hdf5_shim_whole_space()
    let list = hdf5_shim_default_list()
    if let values = content.floats[name] {
      unsafe H5Dwrite(dataset, type, all, all, list, values)
    } else if let values = content.integers[name] {
      unsafe H5Dwrite(dataset, type, all, all, list, values)
    } else if let values = content.texts[name] {
      unsafe H5Dwrite(dataset, type, all, all, list, values)
    }
  }

  private static func ranges(_ file: hid_t, _ names: [String]) -> [Range<Int>] {
    names.sorted().compactMap { name in
      let dataset = unsafe H5Dopen2(file, name, hdf5_shim_default_list())
      defer { H5Dclose(dataset) }
      guard dataset >= 0 else { return nil }
      let start = Int(H5Dget_offset(dataset))
      return start..<start + Int(H5Dget_storage_size(dataset))
    }
  }

  // MARK: Reading

  /// What a reader finds that knows names, types and sizes and lets HDF5 do the rest; nil if HDF5 reports an error.
  static func read(_ bytes: [UInt8], like expected: Content) -> Content? {
    H5open()
    H5Eset_auto2(hdf5_shim_default_error_stack(), nil, nil)
    let access = H5Pcreate(hdf5_shim_file_access_class())
    defer { H5Pclose(access) }
    H5Pset_fapl_core(access, 1 << 20, false)
    let status = unsafe bytes.withUnsafeBytes {
      unsafe H5Pset_file_image(
        access, UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
    }
    guard status >= 0 else { return nil }
    let file = unsafe H5Fopen(nextName(), hdf5_shim_read_only(), access)
    guard file >= 0 else { return nil }
    defer { H5Fclose(file) }
    var found = expected
    for (name, type, count) in layout(of: expected) where count > 0 {
      let dataset = unsafe H5Dopen2(file, name, hdf5_shim_default_list())
      guard dataset >= 0 else { return nil }
      defer { H5Dclose(dataset) }
      guard has(dataset, type: type, count: count),
        read(dataset, name, type, count, into: &found)
      else { return nil }
    }
    return found
  }

  private static func has(_ dataset: hid_t, type: hid_t, count: Int) -> Bool {
    let space = H5Dget_space(dataset)
    let stored = H5Dget_type(dataset)
    defer {
      H5Sclose(space)
      H5Tclose(stored)
    }
    return H5Sget_simple_extent_npoints(space) == hssize_t(count) && H5Tequal(stored, type) > 0
  }

  private static func read(
    _ dataset: hid_t, _ name: String, _ type: hid_t, _ count: Int, into content: inout Content
  ) -> Bool {
    let all = hdf5_shim_whole_space()
    let list = hdf5_shim_default_list()
    if content.floats[name] != nil {
      var values = [Float](repeating: 0, count: count)
      defer { content.floats[name] = values }
      return unsafe H5Dread(dataset, type, all, all, list, &values) >= 0
    }
    if content.integers[name] != nil {
      var values = [Int64](repeating: 0, count: count)
      defer { content.integers[name] = values }
      return unsafe H5Dread(dataset, type, all, all, list, &values) >= 0
    }
    var values = [UInt8](repeating: 0, count: count)
    defer { content.texts[name] = values }
    return unsafe H5Dread(dataset, type, all, all, list, &values) >= 0
  }
}
