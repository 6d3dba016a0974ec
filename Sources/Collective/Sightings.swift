/// What a rank knows of all ranks: where each was seen last, since when it has been there, and when it was heard of.
package struct Sightings: Sendable {
  struct Sighting: Sendable {
    var word: UInt64
    /// When the word last changed, and when anything was heard.
    var changed: ContinuousClock.Instant, heard: ContinuousClock.Instant
    var isKnown = false
  }
  private let rank: Int
  private(set) var ranks: [Sighting]
  /// A rank that says nothing for so long counts as silent.
  private static let silence = Duration.seconds(3)
  /// Communication goes on in pieces; that none of them gets through for so long is no slow network.
  private static let deadlock = Duration.seconds(10)

  package init(rank: Int, count: Int, at now: ContinuousClock.Instant = .now) {
    self.rank = rank
    ranks = Array(
      repeating: Sighting(word: Whereabouts().word, changed: now, heard: now), count: count)
  }

  /// A rank says where it is.
  package mutating func see(_ rank: Int, word: UInt64, at now: ContinuousClock.Instant) {
    guard ranks.indices.contains(rank) else { return }
    if ranks[rank].word != word || !ranks[rank].isKnown { ranks[rank].changed = now }
    ranks[rank].word = word
    ranks[rank].heard = now
    ranks[rank].isKnown = true
  }

  /// Another rank passes on what it knows of `rank`.
  package mutating func learn(
    _ rank: Int, word: UInt64, changedAgo: Duration, heardAgo: Duration,
    at now: ContinuousClock.Instant
  ) {
    guard ranks.indices.contains(rank), rank != self.rank else { return }
    ranks[rank] = Sighting(
      word: word, changed: now - changedAgo, heard: now - heardAgo, isKnown: true)
  }

  /// Why the job must end, or nil while some rank still gets something done.
  package func reasonToEnd(
    baseLimit: Double, hosts: [String], at now: ContinuousClock.Instant
  ) -> String? {
    let known = ranks.filter(\.isKnown)
    let patience = known.map { Whereabouts(word: $0.word).phase.patience }.max() ?? 1
    guard let last = known.map(\.changed).max(), now - last > .seconds(baseLimit * patience) else {
      return nil
    }
    let seconds = (now - last).components.seconds
    // The others are heard of through the root alone.
    let isRootSilent = rank != 0 && now - ranks[0].heard > Self.silence
    let missing = isRootSilent ? [0] : ranks.indices.filter { isMissing(ranks[$0], at: now) }
    let who = missing.map { "rank \($0) on \(hosts[$0]) (\(description(ranks[$0], at: now)))" }
    let here = Whereabouts(word: ranks[rank].word).text
    let cause =
      who.isEmpty
      ? "all ranks wait for each other: look at the network between the hosts"
      : "missing: " + who.joined(separator: ", ")
    return "no rank has got anything done for \(seconds) s; rank \(rank) is \(here); \(cause)."
      + " The job ends; continue it with resume_from_checkpoint=auto"
  }

  /// Whether this rank alone, which has not found the others yet, has got nothing done for so long.
  package func hasBeenSilent(forSeconds limit: Double, at now: ContinuousClock.Instant) -> Bool {
    now - ranks[rank].changed > .seconds(limit)
  }

  /// Whether a stop in good order is past hope: a rank is silent, or all have been waiting for each other for a while.
  package func isBeyondStopping(at now: ContinuousClock.Instant) -> Bool {
    let known = ranks.filter(\.isKnown)
    if known.contains(where: { now - $0.heard > Self.silence }) { return true }
    return known.allSatisfy { sighting in
      Whereabouts(word: sighting.word).isCommunicating && now - sighting.changed > Self.deadlock
    }
  }

  /// Whether a rank keeps the others waiting: it is silent, or busy with something else than communication.
  private func isMissing(_ sighting: Sighting, at now: ContinuousClock.Instant) -> Bool {
    now - sighting.heard > Self.silence || !sighting.isKnown
      || !Whereabouts(word: sighting.word).isCommunicating
  }

  private func description(_ sighting: Sighting, at now: ContinuousClock.Instant) -> String {
    guard sighting.isKnown else { return "never heard of" }
    let silent = now - sighting.heard
    if silent > Self.silence { return "no sign of life for \(silent.components.seconds) s" }
    let place = Whereabouts(word: sighting.word).text
    return "\(place) for \((now - sighting.changed).components.seconds) s"
  }
}
