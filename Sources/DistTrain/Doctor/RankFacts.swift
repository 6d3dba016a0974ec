internal import Collective
internal import Foundation
internal import Glibc
internal import Model

/// What one rank tells the root about itself and its host.
package struct RankFacts: Codable, Sendable, Equatable {
  package var host = ""
  package var threads = 1
  package var processors: [Int] = []
  /// Name and release of the kernel.
  package var kernel = ""
  package var blasCore = ""
  /// What multiplies bfloat16 on the host, or why nothing does.
  package var bfloat16 = ""
  /// Groups of the host's processors that have memory of their own.
  package var memoryDomains = 1
  package var threadLevel = ""
  /// Bytes of memory that the host has free.
  package var availableMemory = 0
  /// SHA-256 of the inputs by name; of the first rank of a host alone.
  package var digests: [String: String] = [:]
  /// Why an input cannot be read, by name.
  package var faults: [String: String] = [:]

  package init() {}

  /// Looks at this rank; the first of its host also reads the model and the data.
  init(_ ranks: Communicator, _ partial: PartialConfiguration) {
    host = ranks.hostName
    threads = partial.configuration.threadsPerRank
    processors = ProcessorAffinity.current.processors
    kernel = Self.kernelName
    blasCore = BLAS.coreName
    bfloat16 =
      Precision.bfloat16.obstacle.map { "none: \($0)" } ?? Precision.bfloat16.productKernels
    memoryDomains = Self.memoryDomains
    threadLevel = MPIEnvironment.threadLevel
    availableMemory = HostMemory.available
    guard ranks.localRank == 0 else { return }
    if let path = partial.modelPath { read("model", path, Self.modelDigest) }
    if let path = partial.datasetPath { read("data", path) { try FileDigest.digest(ofFile: $0) } }
  }

  private mutating func read(
    _ name: String, _ path: String, _ digest: (String) throws -> String
  ) {
    do { digests[name] = try digest(path) } catch { faults[name] = "\(error)" }
  }

  /// Weights where there are any, configuration and tokenizer.
  private static func modelDigest(_ path: String) throws -> String {
    let files = ["config.json", "tokenizer.json"].map { path + "/" + $0 }
    for file in [path] + files where !FileManager.default.fileExists(atPath: file) {
      throw CommandFailure("\(file) does not exist", exitCode: 66)
    }
    return try FileDigest.digest(ofFiles: WeightFolder(path: path).filePaths + files)
  }

  /// NUMA nodes, as Linux lists them.
  static var memoryDomains: Int {
    let folder = "/sys/devices/system/node"
    var count = 0
    while FileManager.default.fileExists(atPath: "\(folder)/node\(count)") { count += 1 }
    return max(1, count)
  }

  static var kernelName: String {
    var name = utsname()
    guard unsafe uname(&name) == 0 else { return "unknown" }
    func text<Field>(_ field: Field) -> String {
      unsafe withUnsafeBytes(of: field) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
    return "\(text(name.sysname)) \(text(name.release))"
  }

  var bytes: [UInt8] {
    get throws { Array(try JSONEncoder().encode(self)) }
  }

  init(bytes: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) }
}
