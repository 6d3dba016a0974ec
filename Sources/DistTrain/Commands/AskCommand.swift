internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Model

/// disttrain ask
struct AskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask", abstract: "Asks an adapter, or the base model, a question of your own.",
    usage: "disttrain ask <run> | --adapter <folder> | --model <folder> [<options>]",
    discussion: """
      Examples:
        disttrain ask runs/first
        disttrain ask runs/first --question "Something warm?" --option "Leek soup" --option "Ice cream"
        disttrain ask --adapter my-adapter --model models/Qwen2.5-0.5B-Instruct --chat

      Without --question it reads questions from standard input: a question, its options on a line each, an empty line.
      A question without options, or any with --chat, is answered in words.
      """)

  @Argument(
    help: ArgumentHelp("The folder of a run.", valueName: "run"), completion: .directory)
  var runFolder: String?
  @Option(help: "A PEFT adapter folder.", completion: .directory) var adapter: String?
  @Option(
    help: "The base model's folder, where it is not the one that the run or the adapter names.",
    completion: .directory)
  var model: String?
  @Option(help: "The question.") var question: String?
  @Option(help: "An option; give one after the other.") var option: [String] = []
  @Flag(help: "Answer in words, in the model's chat format.") var chat = false
  @Option(help: "Tokens of an answer in words.") var maxNewTokens = 128
  @Option(help: "Threads.") var threads = ProcessInfo.processInfo.activeProcessorCount
  @Flag(help: "Print one JSON object per question.") var json = false

  func validate() throws {
    guard runFolder != nil || adapter != nil || model != nil else {
      throw ValidationError("give the folder of a run, --adapter or --model")
    }
    guard maxNewTokens > 0 else { throw ValidationError("--max-new-tokens must be positive") }
    guard option.isEmpty || question != nil else {
      throw ValidationError("--option belongs to a --question")
    }
    guard option.count <= 26 else { throw ValidationError("there are only 26 letters") }
  }

  func run() throws {
    let respondent = try Respondent(
      run: runFolder, adapter: adapter, model: model, chat: chat, maximumNewTokens: maxNewTokens,
      threads: threads)
    if let question {
      return try show(respondent.answer(question, options: option))
    }
    if isatty(0) == 1 { Console.note("Type a question, then its options, then an empty line.") }
    while let (question, options) = Self.read() {
      try show(respondent.answer(question, options: options))
    }
  }

  private func show(_ answer: Respondent.Answer) {
    Console.result(json ? answer.json.text() : answer.text)
  }

  /// The next question of standard input with the lines after it up to an empty one; nil at its end.
  private static func read() -> (question: String, options: [String])? {
    var lines: [String] = []
    while let line = readLine() {
      let text = line.trimmingCharacters(in: .whitespaces)
      if !text.isEmpty { lines.append(text) } else if !lines.isEmpty { break }
    }
    return lines.isEmpty ? nil : (lines[0], Array(lines.dropFirst()))
  }
}
