internal import Checkpoints

@main
struct CheckpointTrials {
  static func main() throws { print(CheckpointSeal.byteCount) }
}
