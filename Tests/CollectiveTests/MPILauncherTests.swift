internal import TestSupport
internal import Testing

struct MPILauncherTests {
  @Test func `outputs and exit code are collected`() async throws {
    let result = try await MPILauncher.runCommand(
      "/bin/sh", ["-c", "echo $WORD; echo wrong >&2; exit 3"], environment: ["WORD": "right"])
    #expect(result.status == 3)
    #expect(result.output == "right\n")
    #expect(result.errorOutput == "wrong\n")
  }

  @Test func `a signal is reported as a shell does`() async throws {
    let result = try await MPILauncher.runCommand("/bin/sh", ["-c", "kill -9 $$"])
    #expect(result.status == 128 + 9)
  }

  @Test func `a command is ended at its time limit`() async throws {
    let error = try await #require(throws: CommandTimedOut.self) {
      try await MPILauncher.runCommand(
        "/bin/sh", ["-c", "echo begun; exec sleep 60"], timeout: .seconds(1))
    }
    #expect(error.result.status == 128 + 15)
    #expect(error.result.output == "begun\n")
  }

  @Test func `a program that is not built is an error`() {
    #expect(throws: ProductNotFound.self) { try MPILauncher.builtProduct("no such product") }
  }
}
