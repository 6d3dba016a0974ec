extension FloatBuffer {
  /// A fresh adapter: A uniform in +-1/sqrt(in), B zero, so that it changes nothing yet.
  ///
  /// Source: PEFT's `reset_lora_parameters` (Kaiming uniform with a = sqrt(5)).
  package init(freshAdapter layout: AdapterLayout, seed: UInt64) {
    self.init(count: layout.count)
    for (index, tensor) in layout.tensors.enumerated() where tensor.name.contains(".lora_A.") {
      RandomStream(seed: seed, purpose: .adapterInitialization, index).fill(
        matrix(tensor.rows, tensor.columns, at: tensor.offset),
        within: 1 / Float(tensor.columns).squareRoot())
    }
  }
}
