internal import Foundation
internal import Glibc

/// How progress is shown on standard error.
package enum ProgressStyle: String, CaseIterable, Sendable {
  /// tty where a person watches, else plain.
  case auto
  /// A table that scrolls, and one live line below it.
  case tty
  /// Whole lines, without control characters.
  case plain
  /// One JSON object per line.
  case json
  /// Warnings and errors alone.
  case off
}

/// Whether text is coloured.
package enum ColorChoice: String, CaseIterable, Sendable { case auto, always, never }

/// What stands at the other end of standard error.
///
/// It is found out by the process that the user starts; the ranks that mpirun starts have pipes and are told in a variable.
package struct Terminal: Sendable, Equatable {
  /// Never auto.
  package let style: ProgressStyle
  /// The width where none can be asked for.
  package let columns: Int
  package let isUnicode: Bool, isColored: Bool
  /// Standard output goes to the same screen, so that results must keep clear of the live line.
  package let sharesOutput: Bool

  package static let variable = "DISTTRAIN_TERMINAL"
  package static let styleVariable = "DISTTRAIN_PROGRESS"
  package static let plain = Terminal(
    style: .plain, columns: 80, isUnicode: false, isColored: false, sharesOutput: false)

  /// The same, with warnings and errors alone.
  package var silenced: Terminal {
    Terminal(
      style: .off, columns: columns, isUnicode: isUnicode, isColored: isColored,
      sharesOutput: sharesOutput)
  }

  package init(
    style: ProgressStyle, columns: Int, isUnicode: Bool, isColored: Bool, sharesOutput: Bool
  ) {
    self.style = style
    self.columns = columns
    self.isUnicode = isUnicode
    self.isColored = isColored
    self.sharesOutput = sharesOutput
  }

  /// What the standard streams of a process are.
  package struct Streams: Sendable {
    package var errorsAreTerminal: Bool, outputIsTerminal: Bool
    package var columns: Int?

    package init(errorsAreTerminal: Bool, outputIsTerminal: Bool, columns: Int?) {
      self.errorsAreTerminal = errorsAreTerminal
      self.outputIsTerminal = outputIsTerminal
      self.columns = columns
    }

    static var own: Streams {
      Streams(
        errorsAreTerminal: isatty(STDERR_FILENO) == 1, outputIsTerminal: isatty(STDOUT_FILENO) == 1,
        columns: Terminal.deviceColumns)
    }
  }

  /// Decides from the flags, what a launcher says, the environment and the streams, in this order.
  package init(
    style flag: ProgressStyle?, color: ColorChoice, environment: [String: String], streams: Streams
  ) throws(ConfigurationError) {
    let told = environment[Self.variable].flatMap { Terminal(told: $0) }
    var wished = flag
    if wished == nil, told == nil { wished = try Self.style(environment) }
    let isSmart = streams.errorsAreTerminal && environment["TERM"] != "dumb"
    let isGiven = wished != nil && wished != .auto
    style = (isGiven ? wished : told?.style) ?? (isSmart ? .tty : .plain)
    columns = told?.columns ?? Self.columns(environment, device: streams.columns)
    isUnicode = told?.isUnicode ?? Self.isUnicode(environment)
    sharesOutput = told?.sharesOutput ?? streams.outputIsTerminal
    let isColored =
      color == .auto && told != nil
      ? told?.isColored ?? false
      : Self.isColored(color, environment, isTerminal: streams.errorsAreTerminal)
    self.isColored = isColored && style != .json
  }

  private static func style(
    _ environment: [String: String]
  ) throws(ConfigurationError) -> ProgressStyle? {
    guard let word = environment[styleVariable], !word.isEmpty else { return nil }
    guard let style = ProgressStyle(rawValue: word) else {
      let choices = ProgressStyle.allCases.map(\.rawValue).joined(separator: ", ")
      throw ConfigurationError(["\(styleVariable) is '\(word)'; expected one of \(choices)"])
    }
    return style
  }

  /// no-color.org and force-color.org, which a flag overrules.
  package static func isColored(
    _ choice: ColorChoice, _ environment: [String: String], isTerminal: Bool
  ) -> Bool {
    func isSet(_ name: String) -> Bool { environment[name]?.isEmpty == false }
    switch choice {
    case .always: return true
    case .never: return false
    case .auto:
      if isSet("NO_COLOR") { return false }
      if isSet("FORCE_COLOR") { return environment["FORCE_COLOR"] != "0" }
      return isTerminal && environment["TERM"] != "dumb"
    }
  }

  /// The first of the three variables that says anything names the character set (POSIX.1, 8.2).
  private static func isUnicode(_ environment: [String: String]) -> Bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
      .first { !$0.isEmpty }
    let name = said?.lowercased() ?? ""
    return name.contains("utf-8") || name.contains("utf8")
  }

  /// A terminal that is narrower than COLUMNS says would wrap the live line.
  private static func columns(_ environment: [String: String], device: Int?) -> Int {
    let said = environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    return min(said ?? .max, device ?? .max) == .max ? 80 : min(said ?? .max, device ?? .max)
  }

  /// The width now, which a user may have changed since the start.
  package var currentColumns: Int {
    Self.deviceColumns.map {
      Self.columns(ProcessInfo.processInfo.environment, device: $0)
    } ?? columns
  }

  /// The width of the terminal at standard error, or of the one that a rank under mpirun was started from.
  private static var deviceColumns: Int? {
    if let columns = columns(of: STDERR_FILENO) { return columns }
    let device = unsafe open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
    guard device >= 0 else { return nil }
    defer { close(device) }
    return columns(of: device)
  }

  private static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }
}

extension Terminal {
  /// Everything in one word, for the variable that ranks are told in: "tty:120:unicode:color:output".
  package var word: String {
    let traits = [
      ("unicode", isUnicode), ("color", isColored), ("output", sharesOutput),
    ].filter(\.1).map(\.0)
    return ([style.rawValue, String(columns)] + traits).joined(separator: ":")
  }

  /// Reads such a word; nil where it is none.
  package init?(told word: String) {
    let parts = word.split(separator: ":").map(String.init)
    guard parts.count >= 2, let style = ProgressStyle(rawValue: parts[0]), style != .auto,
      let columns = Int(parts[1]), columns > 0
    else { return nil }
    self.init(
      style: style, columns: columns, isUnicode: parts.contains("unicode"),
      isColored: parts.contains("color"), sharesOutput: parts.contains("output"))
  }
}
