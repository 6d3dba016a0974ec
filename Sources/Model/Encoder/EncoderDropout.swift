/// What is dropped in one training pass of an encoder, each place with its own share and masks.
///
/// Masks are a pure function of (seed, micro-batch, layer, place, element).
package struct EncoderDropout: Sendable, Equatable {
  let hidden: Dropout?, attention: Dropout?, head: Dropout?

  /// - Parameter microBatch: Counts every micro-batch of a run.
  package init(_ configuration: EncoderConfiguration, seed: UInt64, microBatch: Int) {
    hidden = Dropout(
      probability: configuration.hiddenDropout, seed: seed, microBatch: microBatch)
    attention = Dropout(
      probability: configuration.attentionDropout, seed: seed, microBatch: microBatch)
    head = Dropout(probability: configuration.headDropout, seed: seed, microBatch: microBatch)
  }

  /// Where something is dropped; each has its own random numbers.
  enum Place {
    case embeddings, head
    case probabilities(layer: Int)
    case attentionOutput(layer: Int)
    case output(layer: Int)

    var module: Int {
      switch self {
      case .embeddings: 0
      case .head: 1
      case .probabilities(let layer): 3 * layer + 2
      case .attentionOutput(let layer): 3 * layer + 3
      case .output(let layer): 3 * layer + 4
      }
    }
  }
}
