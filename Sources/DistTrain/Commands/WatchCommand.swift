internal import ArgumentParser
internal import Foundation
internal import Glibc

/// disttrain watch
struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Follows a run from another terminal, or as a page in a browser.",
    usage: "disttrain watch <run> [--once] [--web [--port <port>]]",
    discussion: """
      Examples:
        disttrain watch runs/first
        disttrain watch runs/first --web

      Only the run's files are read, so watching cannot disturb it; it may run on
      another host that sees the same disk. It ends when the run has results. The page
      is served to this host alone, until Ctrl-C.
      """)

  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var folder: String

  @Flag(help: "Say once how far the run is, and end.")
  var once = false

  @Flag(help: "Serve the report as a page that keeps up with the run.")
  var web = false

  @Option(help: ArgumentHelp("The port of the page; 0 for any that is free.", valueName: "port"))
  var port = 8642

  func validate() throws {
    if once && web { throw ValidationError("give --once or --web, not both") }
    if !(0...65535).contains(port) { throw ValidationError("--port is from 0 to 65535") }
  }

  func run() throws {
    takeSignals()
    if once { return Console.result(try RunProgress(folder: folder).text(now: Date())) }
    guard web else { return try RunWatcher(folder: folder).follow() }
    _ = try RunProgress(folder: folder)
    let server = try PageServer(port: port)
    let host = ProcessInfo.processInfo.hostName
    Console.note(
      """
      page       http://127.0.0.1:\(server.port)/
      elsewhere  ssh -L \(server.port):127.0.0.1:\(server.port) \(host)   then the same address there
      """)
    server.serve { path in try page(path) }
  }

  /// A program that blocks signals passes that on to what it starts, which nothing could then end but SIGKILL.
  private func takeSignals() {
    var signals = sigset_t()
    _ = unsafe sigemptyset(&signals)
    for number in [SIGTERM, SIGINT] { _ = unsafe sigaddset(&signals, number) }
    _ = unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// The report as the files are now.
  private func page(_ path: String) throws -> String? {
    guard path == "/" || path == "/report.html" else { return nil }
    let progress = try RunProgress(folder: folder)
    return Report([progress.run]).page(refreshSeconds: progress.isFinished ? nil : 5)
  }
}
