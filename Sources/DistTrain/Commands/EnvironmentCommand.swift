internal import ArgumentParser
internal import Foundation
internal import Model

/// disttrain env
struct EnvironmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "env",
    abstract:
      "Prints versions, processor, memory and variables, to paste into a report of a fault.",
    discussion: "Variables whose names speak of tokens, keys or passwords are left out.")

  @Flag(help: "Print JSON.")
  var json = false

  func run() {
    let report = EnvironmentReport(
      environment: ProcessInfo.processInfo.environment, program: MPICommand.program)
    Console.result(json ? report.json.text(indent: 2) : report.text)
  }
}
