/// One record of a TensorBoard event file.
package enum EventRecord {
  package enum Content: Sendable {
    /// The first record of every file.
    case version
    /// The run goes on: what files before this one have from this step on was lost with the process that wrote it.
    case start
    /// Values of this step by their tags.
    case scalars([(tag: String, value: Double)])
  }

  /// The record with its frame: length, masked checksum of the length, data, masked checksum of the data.
  package static func bytes(_ content: Content, step: Int, wallTime: Double) -> [UInt8] {
    let data = event(content, step: step, wallTime: wallTime)
    let length = UInt64(data.count).littleEndianBytes
    return length + CRC32C.masked(length).littleEndianBytes + data
      + CRC32C.masked(data).littleEndianBytes
  }

  /// The message tensorflow.Event: wall_time 1, step 2, file_version 3, summary 5, session_log 7.
  private static func event(_ content: Content, step: Int, wallTime: Double) -> [UInt8] {
    var event = ProtocolBuffer()
    event.double(wallTime, field: 1)
    if step != 0 { event.integer(step, field: 2) }
    switch content {
    case .version: event.text("brain.Event:2", field: 3)
    case .start:
      var log = ProtocolBuffer()
      log.integer(1, field: 1)
      event.bytes(log.bytes, field: 7)
    case .scalars(let scalars): event.bytes(summary(scalars), field: 5)
    }
    return event.bytes
  }

  /// The message tensorflow.Summary: repeated value 1 of tag 1 and simple_value 2.
  private static func summary(_ scalars: [(tag: String, value: Double)]) -> [UInt8] {
    var summary = ProtocolBuffer()
    for (tag, scalar) in scalars {
      var value = ProtocolBuffer()
      value.text(tag, field: 1)
      value.float(Float(scalar), field: 2)
      summary.bytes(value.bytes, field: 1)
    }
    return summary.bytes
  }
}
