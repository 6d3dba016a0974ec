import DistTrain
import Testing

struct TokenizedExampleTests {
  /// One token per character, except that "ab" is one.
  private static func encode(_ text: String) -> [Int32] {
    var tokens: [Int32] = []
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "a", rest.first == "b" {
        rest.removeFirst()
        tokens.append(Int32(1000 + scalar.value))
      } else {
        tokens.append(Int32(scalar.value))
      }
    }
    return tokens
  }

  private static func example(_ prompt: String, _ answer: String, _ maximum: Int) throws
    -> TokenizedExample
  {
    try TokenizedExample(
      prompt: prompt, answer: answer, maximumLength: maximum, question: 7, encode: encode)
  }

  @Test func `prompt and answer are told apart`() throws {
    let example = try Self.example("xyz", "12", 512)
    #expect(example.tokens == Self.encode("xyz12"))
    #expect(example.promptTokenCount == 3 && example.truncatedTokenCount == 0)
  }

  @Test func `a token that forms across the seam belongs to the answer`() throws {
    let example = try Self.example("xya", "b2", 512)
    #expect(example.tokens == Self.encode("xyab2"))
    #expect(example.tokens.count == 4)
    #expect(example.promptTokenCount == 2)
  }

  @Test(arguments: [(5, 0), (6, 0), (4, 1), (3, 2)])
  func `what is too long loses the start of its prompt`(maximum: Int, lost: Int) throws {
    let example = try Self.example("xyz", "12", maximum)
    #expect(example.tokens == Array(Self.encode("xyz12").dropFirst(lost)))
    #expect(example.promptTokenCount == 3 - lost)
    #expect(example.truncatedTokenCount == lost)
  }

  @Test func `truncation and a merged seam go together`() throws {
    let example = try Self.example("xya", "b2", 3)
    #expect(example.tokens == Self.encode("yab2"))
    #expect(example.promptTokenCount == 1 && example.truncatedTokenCount == 1)
  }

  @Test(arguments: [1, 2])
  func `an answer that leaves no room for its prompt is refused`(maximum: Int) {
    let error = #expect(throws: DatasetError.self) { try Self.example("xyz", "12", maximum) }
    #expect(error?.exitCode == 65)
    #expect(
      error?.description
        == "question 7: its answer of 2 tokens does not fit max_length \(maximum) after a prompt of 3"
    )
  }

  @Test func `an answer's tokens are never cut`() throws {
    for promptLength in 1...12 {
      for answerLength in 1...6 {
        for maximum in 2...20 {
          let answer = String(repeating: "9", count: answerLength)
          let prompt = String(repeating: "p", count: promptLength)
          guard maximum > answerLength else {
            #expect(throws: DatasetError.self) { try Self.example(prompt, answer, maximum) }
            continue
          }
          let example = try Self.example(prompt, answer, maximum)
          #expect(example.tokens.count == min(maximum, promptLength + answerLength))
          #expect(Array(example.tokens.dropFirst(example.promptTokenCount)) == Self.encode(answer))
        }
      }
    }
  }
}
