internal import Checkpoints
internal import Collective
internal import Foundation
internal import Glibc
package import Model
internal import VectorKernels

/// What a report of a fault needs to say about program and host.
package struct EnvironmentReport: Sendable {
  package let rows: [(name: String, value: JSONValue)]

  /// Looks at this host; `program` is the path of the executable.
  package init(environment: [String: String], program: String) {
    var rows: [(name: String, value: JSONValue)] = [
      ("version", .string(DistTrain.version)),
      ("commit", SourceCommit.current(above: program).map(JSONValue.string) ?? .null),
      ("program", .string(program)), ("system", .string(Self.system)),
      ("kernel", .string(RankFacts.kernelName)), ("cpu", .string(Machine.cpuName)),
      ("cores", .integer(Machine.coreCount)),
      ("cores_allowed", .integer(ProcessorAffinity.current.processors.count)),
      ("memory_domains", .integer(RankFacts.memoryDomains)),
      ("kernels", .string(unsafe String(cString: vk_dispatch_target()))),
      ("memory_bytes", .integer(Machine.memoryBytes)),
      ("memory_limit_bytes", HostMemory.limit.map(JSONValue.integer) ?? .null),
      ("memory_free_bytes", .integer(HostMemory.available)),
      ("openblas_core", .string(BLAS.coreName)),
      ("onednn", .string(Precision.bfloat16.productKernels)),
      ("bfloat16", .string(Precision.bfloat16.obstacle ?? "yes")),
      ("mpi", .string(Machine.mpiLibrary)), ("hdf5", .string(HDF5File.libraryVersion)),
      ("locale", .string(Self.locale(environment))),
    ]
    rows.append(("variables", .object(Self.variables(environment))))
    self.rows = rows
  }

  /// The distribution, as os-release(5) names it.
  private static var system: String {
    let text = String(
      decoding: FileManager.default.contents(atPath: "/etc/os-release") ?? Data(), as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
    return line.map { $0.dropFirst(12).filter { $0 != "\"" } } ?? Machine.system
  }

  private static func locale(_ environment: [String: String]) -> String {
    ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "C"
  }

  private static let prefixes = [
    "DISTTRAIN_", "OMP_", "OMPI_", "OPENBLAS_", "GOTO_", "DNNL_", "ONEDNN_", "SLURM_", "PMIX_",
    "LC_",
  ]
  private static let names = [
    "COLUMNS", "FORCE_COLOR", "HDF5_USE_FILE_LOCKING", "HF_HOME", "HF_HUB_CACHE", "LANG",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_ARENA_MAX", "NO_COLOR", "TERM", "TMPDIR",
    "XDG_CACHE_HOME",
  ]
  private static let secretWords = ["TOKEN", "SECRET", "PASSWORD", "KEY", "COOKIE", "CREDENTIAL"]

  /// The variables that change what the program does; none whose name says that its value is a secret.
  package static func variables(_ environment: [String: String]) -> JSONObject {
    environment.keys.sorted().reduce(into: JSONObject()) { object, name in
      let matters = names.contains(name) || prefixes.contains { name.hasPrefix($0) }
      guard matters, !secretWords.contains(where: { name.uppercased().contains($0) }) else {
        return
      }
      object[name] = environment[name].map(JSONValue.string)
    }
  }

  package var json: JSONValue {
    .object(rows.reduce(into: JSONObject()) { $0[$1.name] = $1.value })
  }

  /// A block to paste.
  package var text: String {
    rows.flatMap { name, value -> [String] in
      let label = name.replacing("_bytes", with: "").replacing("_", with: " ")
      func row(_ text: String) -> String { Plan.row(label, text) }
      switch value {
      case .integer(let bytes) where name.hasSuffix("_bytes"):
        return [row(Plan.size(bytes).trimmed)]
      case .integer(let number): return [row(String(number))]
      case .string(let text): return [row(text)]
      case .object(let object):
        let lines = zip(object.keys, object.values).map { "\($0)=\($1.stringValue ?? "")" }
        return [row(lines.isEmpty ? "none" : "")] + lines.map { "  " + $0 }
      default: return [row(name == "memory_limit_bytes" ? "none" : "unknown")]
      }
    }.map { String($0.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
  }
}
