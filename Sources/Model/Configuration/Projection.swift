/// The seven linear projections of a block that can carry an adapter.
package enum Projection: Int, CaseIterable, Sendable {
  case query, key, value, output, gate, up, down

  /// The name that config and weight files use.
  package var name: String {
    switch self {
    case .query: "q_proj"
    case .key: "k_proj"
    case .value: "v_proj"
    case .output: "o_proj"
    case .gate: "gate_proj"
    case .up: "up_proj"
    case .down: "down_proj"
    }
  }

  /// The part of a block that holds the projection: "self_attn" or "mlp".
  package var parent: String { rawValue <= Projection.output.rawValue ? "self_attn" : "mlp" }

  package init?(name: String) {
    guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }
}
