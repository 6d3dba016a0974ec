internal import Collective
internal import Model

/// Values that the ranks compute for each other: `count` for each piece of work, the pieces shared out by `costs`.
///
/// Communication: one sum over all values, to which each rank gives its own part, and over the ranks asked to stop,
/// which skip what is left.
func sharedValues(
  _ title: String, costs: [Int], counts: [Int], over ranks: Communicator,
  of compute: (Int) -> [Double]
) throws -> [[Double]] {
  let starts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  var values = [Double](repeating: 0, count: starts[counts.count])
  let mine = shares(ofCosts: costs, worldSize: ranks.worldSize)[ranks.rank]
  let progress = WorkProgress(
    title + (ranks.worldSize > 1 ? ", share of rank 0" : ""), total: mine.count)
  for (done, index) in mine.enumerated() where StopSignal.pending == nil {
    if ranks.isRoot { progress.show(done) }
    values.replaceSubrange(starts[index]..<starts[index + 1], with: compute(index))
    ranks.watchdog?.progress()
  }
  values.append(StopSignal.pending == nil ? 0 : 1)
  try ranks.allReduce(&values, operation: .sum)
  guard values.removeLast() == 0 else { throw StopRequested() }
  return counts.indices.map { Array(values[starts[$0]..<starts[$0 + 1]]) }
}
