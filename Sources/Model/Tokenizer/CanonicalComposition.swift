internal import Foundation

/// Unicode's normalization form C by the data of Unicode 9, which the reference has.
///
/// Foundation decomposes and orders; its own composition differs from the standard for some Hangul and Kannada texts
/// (U+AC00 U+11A8, U+11C3 and U+11A7 behind a syllable, U+0CCA U+0CD5), so that is done here.
package enum CanonicalComposition {
  private static let newest = 9

  /// `scalars` composed; scalars younger than Unicode 9 stand between texts that are composed each by itself.
  package static func composed(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar>
  {
    // Nothing below the first combining mark composes with anything.
    guard scalars.contains(where: { $0.value >= 0x300 }) else { return scalars }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    var text = String.UnicodeScalarView()
    for scalar in scalars {
      if scalar.value < 0x300 || scalar.isKnown(toUnicode: newest) {
        text.append(scalar)
      } else {
        // To the reference such a scalar is a starter that neither decomposes nor composes.
        append(text, to: &result)
        text = String.UnicodeScalarView()
        result.append(scalar)
      }
    }
    append(text, to: &result)
    return result[...]
  }

  /// Appends `text` composed (UAX 15, D117).
  private static func append(_ text: String.UnicodeScalarView, to result: inout [Unicode.Scalar]) {
    if text.isEmpty { return }
    var starter: Int?
    var lastClass: UInt8 = 0
    for scalar in String(text).decomposedStringWithCanonicalMapping.unicodeScalars {
      let combiningClass =
        scalar.value < 0x300 ? 0 : scalar.properties.canonicalCombiningClass.rawValue
      // Whatever stands between may not be a starter, nor of this class or a higher one.
      if let starter, starter == result.count - 1 || lastClass != 0 && lastClass < combiningClass,
        let composite = composite(result[starter], scalar)
      {
        result[starter] = composite
        continue
      }
      if combiningClass == 0 { starter = result.count }
      lastClass = combiningClass
      result.append(scalar)
    }
  }

  private static let bySecond: [Unicode.Scalar: [Unicode.Scalar: Unicode.Scalar]] = {
    var bySecond: [Unicode.Scalar: [Unicode.Scalar: Unicode.Scalar]] = [:]
    for (second, firstsAndComposites) in canonicalPairs {
      var first: Unicode.Scalar?
      for scalar in firstsAndComposites.unicodeScalars {
        if let known = first {
          bySecond[second, default: [:]][known] = scalar
          first = nil
        } else {
          first = scalar
        }
      }
    }
    return bySecond
  }()

  private static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar)
    -> Unicode.Scalar?
  {
    switch (first.value, second.value) {
    case (_, 0..<0x300): return nil
    case (0x1100...0x1112, 0x1161...0x1175):
      return Unicode.Scalar(
        0xAC00 + ((first.value - 0x1100) * 21 + second.value - 0x1161) * 28)
    case (0xAC00...0xD7A3, 0x11A8...0x11C2):
      let isWithoutFinal = (first.value - 0xAC00) % 28 == 0
      return isWithoutFinal ? Unicode.Scalar(first.value + second.value - 0x11A7) : nil
    default: return bySecond[second]?[first]
    }
  }
}
