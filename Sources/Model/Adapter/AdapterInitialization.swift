extension FloatBuffer {
  /// A fresh adapter: A uniform in +-1/sqrt(in), B zero, so that it changes nothing yet.
  ///
  /// Source: PEFT's `reset_lora_parameters` (Kaiming uniform with a = sqrt(5)).
  package init(freshAdapter layout: AdapterLayout, seed: UInt64) {
    self.init(count: layout.count)
    for (index, tensor) in layout.tensors.enumerated() where tensor.name.contains(".lora_A.") {
      var random = RandomStream(seed: seed, purpose: .adapterInitialization, index)
      let bound = 1 / Float(tensor.columns).squareRoot()
      let values = (0..<tensor.rows * tensor.columns).map { _ in
        (2 * random.uniform() - 1) * bound
      }
      copy(from: values, at: tensor.offset)
    }
  }
}
