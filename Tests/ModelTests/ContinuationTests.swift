import Model
import TestSupport
import Testing

struct ContinuationTests {
  @Test(arguments: ["qwen2", "qwen3", "llama"], [1, 5, 64, 65, 70])
  func `sequences that share their beginning have the probabilities of whole ones`(
    type: String, sharedCount: Int
  ) throws {
    let sample = try NetworkSample(TinyQwen(type: type), longest: 140)
    let shared = NetworkSample.tokens(sharedCount, 31)
    let branches = [(3, 5), (1, 7), (66, 11)].map { NetworkSample.tokens($0.0, $0.1) }
    var branched = MicroBatch(sharing: shared)
    var whole: [Float] = []
    for branch in branches {
      let start = branched.tokens.count
      branched.append(branch)
      branched.addTarget(branch[0], afterRow: shared.count - 1)
      for position in branch.indices.dropFirst() {
        branched.addTarget(branch[position], afterRow: start + position - 1)
      }
      var batch = MicroBatch()
      batch.append(shared + branch, targetsFrom: shared.count)
      whole += sample.logProbabilities(batch)
    }
    #expect(branched.longestSequence == shared.count + 66)
    #expect(relativeError(sample.logProbabilities(branched), whole) < 2e-6)
  }

  /// Continues one prompt by computing all of it again for each token.
  private func continuation(
    of prompt: [Int32], _ count: Int, _ sample: NetworkSample
  ) -> [Int32] {
    var tokens = prompt
    for _ in 0..<count {
      var batch = MicroBatch()
      batch.append(tokens)
      for token in 0..<97 { batch.addTarget(Int32(token), afterRow: tokens.count - 1) }
      let scores = sample.logProbabilities(batch)
      let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
      tokens.append(Int32(best))
    }
    return Array(tokens.dropFirst(prompt.count))
  }

  @Test(arguments: ["qwen2", "qwen3", "llama"])
  func `kept keys and values continue prompts as computing all of them again does`(
    type: String
  ) throws {
    let sample = try NetworkSample(TinyQwen(type: type), longest: 100)
    let prompts = [(12, 31), (1, 5), (70, 17)].map { NetworkSample.tokens($0.0, $0.1) }
    let expected = prompts.map { continuation(of: $0, 6, sample) }
    let adapter = FloatBuffer(sample.adapter)
    func decoded(_ stops: Set<Int32>, _ maximum: Int) -> [[Int32]] {
      let activations = ActivationBuffer(
        GreedyDecoding.plan([prompts], maximumNewTokens: maximum), for: sample.model)
      return GreedyDecoding(sample.model, stops: stops, maximumNewTokens: maximum)
        .continuations(of: prompts, adapter: adapter, activations)
    }
    #expect(decoded([], 6) == expected)
    #expect(decoded([], 1) == expected.map { Array($0.prefix(1)) })
    let stop = expected[0][2]
    #expect(decoded([stop], 6) == expected.map { Array($0.prefix { $0 != stop }) })
  }
}
