package import Checkpoints
package import Model

extension AdapterLayout {
  /// The tensors of the arenas, as a checkpoint names them.
  package var checkpointTensors: [CheckpointTensor] {
    tensors.map {
      CheckpointTensor(
        name: $0.name.replacing("model.layers.", with: "layers.").replacing(".weight", with: ""),
        rows: $0.rows, columns: $0.columns)
    }
  }
}
