import FuzzHarness
import Glibc

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Fuzzes the target named by the variable FUZZ_TARGET; arguments are libFuzzer's, or `seeds FOLDER`.
@main
enum Fuzzer {
  static let target: FuzzTarget = {
    let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      fatalError("FUZZ_TARGET is '\(name)'; targets are \(FuzzTarget.allCases)")
    }
    return target
  }()
  static let folder: ScratchFolder = {
    do { return try ScratchFolder() } catch { fatalError("no folder for inputs: \(error)") }
  }()

  static func main() throws {
    if CommandLine.arguments.dropFirst().first == "seeds" {
      return try FuzzSeeds.write(target, to: CommandLine.arguments[2])
    }
    var count = CommandLine.argc
    var arguments = unsafe CommandLine.unsafeArgv
    exit(
      unsafe runFuzzer(&count, &arguments) { bytes, count in
        let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
        do { _ = try Fuzzer.target.accepts(input, in: Fuzzer.folder) } catch {
          fatalError("finding: \(error)")
        }
        return 0
      })
  }
}
