/// Unicode's normalization forms C and D by the reference's data, which is that of Unicode 9.
///
/// Foundation's does not fit: its data is younger, and it differs from the standard for some texts (U+AC00 U+11A8,
/// U+0CCA U+0CD5, U+0F73 before other marks).
package enum CanonicalComposition {
  private static let newest = 9

  /// A scalar with its canonical combining class, which is 0 of all but marks.
  private struct Mark {
    let scalar: Unicode.Scalar
    let combiningClass: UInt8
  }

  /// `scalars` composed: form C.
  package static func composed(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar>
  {
    // Nothing below the first combining mark composes with anything.
    guard scalars.contains(where: { $0.value >= 0x300 }) else { return scalars }
    var composer = Composer(capacity: scalars.count)
    forEachPart(of: scalars) { composer.append($0.scalar, combiningClass: $0.combiningClass) }
    return composer.result[...]
  }

  /// `scalars` decomposed: form D.
  package static func decomposed(
    _ scalars: ArraySlice<Unicode.Scalar>
  ) -> ArraySlice<Unicode.Scalar> {
    guard scalars.contains(where: { $0.value >= 0xC0 }) else { return scalars }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    forEachPart(of: scalars) { result.append($0.scalar) }
    return result[...]
  }

  /// Calls `body` with the decomposition of a text, marks in their order.
  private static func forEachPart(
    of scalars: ArraySlice<Unicode.Scalar>, _ body: (Mark) -> Void
  ) {
    var marks: [Mark] = []
    for scalar in scalars {
      forEachPart(of: scalar) { part in
        let mark = Mark(scalar: part, combiningClass: combiningClass(part))
        if mark.combiningClass == 0 {
          handOn(&marks, to: body)
          body(mark)
        } else {
          marks.append(mark)
        }
      }
    }
    handOn(&marks, to: body)
  }

  /// Orders a run of marks (UAX 15, D109) and hands it on.
  private static func handOn(_ marks: inout [Mark], to body: (Mark) -> Void) {
    if marks.isEmpty { return }
    if marks.count > 1 {
      let order = marks.indices.sorted {
        (marks[$0].combiningClass, $0) < (marks[$1].combiningClass, $1)
      }
      marks = order.map { marks[$0] }
    }
    for mark in marks { body(mark) }
    marks.removeAll(keepingCapacity: true)
  }

  private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
    guard scalar.value >= 0x300 else { return 0 }
    let combiningClass = scalar.properties.canonicalCombiningClass.rawValue
    return combiningClass > 0 && scalar.isKnown(toUnicode: newest) ? combiningClass : 0
  }

  /// Calls `body` with the whole decomposition of a scalar.
  private static func forEachPart(of scalar: Unicode.Scalar, _ body: (Unicode.Scalar) -> Void) {
    if scalar.value < 0xC0 { return body(scalar) }
    if let parts = HangulSyllable(scalar)?.parts ?? decompositions[scalar] {
      for part in parts { body(part) }
    } else {
      body(scalar)
    }
  }

  private static let decompositions: [Unicode.Scalar: [Unicode.Scalar]] = {
    var decompositions: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    for (scalar, expansion) in canonicalExpansions {
      decompositions[scalar] = Array(expansion.unicodeScalars)
    }
    var pairs: [Unicode.Scalar: (first: Unicode.Scalar, second: Unicode.Scalar)] = [:]
    for (second, firsts) in composites {
      for (first, composite) in firsts { pairs[composite] = (first, second) }
    }
    for composite in pairs.keys {
      var (parts, front) = ([Unicode.Scalar](), composite)
      // A composite's second scalar never decomposes; its first may, and again.
      while let pair = pairs[front] {
        parts.insert(pair.second, at: 0)
        front = pair.first
      }
      decompositions[composite] = [front] + parts
    }
    return decompositions
  }()

  /// By second scalar, then by first.
  fileprivate static let composites: [Unicode.Scalar: [Unicode.Scalar: Unicode.Scalar]] = {
    var composites: [Unicode.Scalar: [Unicode.Scalar: Unicode.Scalar]] = [:]
    for (second, firstsAndComposites) in canonicalPairs {
      let scalars = Array(firstsAndComposites.unicodeScalars)
      for index in stride(from: 0, to: scalars.count, by: 2) {
        composites[second, default: [:]][scalars[index]] = scalars[index + 1]
      }
    }
    return composites
  }()
}

/// Composes a decomposed and ordered text (UAX 15, D117).
private struct Composer {
  private(set) var result: [Unicode.Scalar] = []
  private var starter: Int?
  private var lastClass: UInt8 = 0

  init(capacity: Int) { result.reserveCapacity(capacity) }

  mutating func append(_ scalar: Unicode.Scalar, combiningClass: UInt8) {
    // Whatever stands between may not be a starter, nor of this class or a higher one.
    if let starter, starter == result.count - 1 || lastClass != 0 && lastClass < combiningClass,
      let composite = Self.composite(result[starter], scalar)
    {
      result[starter] = composite
      return
    }
    if combiningClass == 0 { starter = result.count }
    lastClass = combiningClass
    result.append(scalar)
  }

  private static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar)
    -> Unicode.Scalar?
  {
    if second.value < 0x300 { return nil }
    if let syllable = HangulSyllable.composite(first, second) { return syllable }
    return CanonicalComposition.composites[second]?[first]
  }
}

/// Hangul syllables compose by arithmetic (The Unicode Standard, 3.12).
private struct HangulSyllable {
  private static let base: UInt32 = 0xAC00, vowels: UInt32 = 21, finals: UInt32 = 28
  private static let leadBase: UInt32 = 0x1100, vowelBase: UInt32 = 0x1161,
    finalBase: UInt32 = 0x11A7
  private let index: UInt32

  init?(_ scalar: Unicode.Scalar) {
    guard (0xAC00...0xD7A3).contains(scalar.value) else { return nil }
    index = scalar.value - Self.base
  }

  /// Lead, vowel and, where there is one, final.
  var parts: [Unicode.Scalar] {
    let lead = Self.leadBase + index / (Self.vowels * Self.finals)
    let vowel = Self.vowelBase + index / Self.finals % Self.vowels
    let final = index % Self.finals
    return (final == 0 ? [lead, vowel] : [lead, vowel, Self.finalBase + final])
      .compactMap { Unicode.Scalar($0) }
  }

  static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    switch (first.value, second.value) {
    case (0x1100...0x1112, 0x1161...0x1175):
      let lead = first.value - leadBase
      return Unicode.Scalar(base + (lead * vowels + second.value - vowelBase) * finals)
    case (0xAC00...0xD7A3, 0x11A8...0x11C2):
      let isWithoutFinal = (first.value - base) % finals == 0
      return isWithoutFinal ? Unicode.Scalar(first.value + second.value - finalBase) : nil
    default: return nil
    }
  }
}
