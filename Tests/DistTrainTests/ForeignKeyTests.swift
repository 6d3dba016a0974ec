import DistTrain
import Foundation
import TestSupport
import Testing

/// The faults of a recipe that is otherwise whole.
private func faults(_ yaml: String) throws -> [String] {
  let folder = try TemporaryFolder()
  let required = "model_name_or_path: m\ndataset_path: d\noutput_dir: o\n"
  let path = try folder.write(required + yaml, to: "run.yaml")
  let error = #expect(throws: ConfigurationError.self) {
    try RunConfiguration(ConfigurationValues(file: path, environment: [:], overrides: []))
  }
  return (error?.faults ?? []).map { $0.replacing(path, with: "run.yaml") }
}

struct ForeignKeyTests {
  @Test func `every entry names a key that is there and none that is taken`() {
    for entry in ForeignKey.table {
      if let key = entry.key { #expect(ConfigurationKey.named(key) != nil, "\(entry.name)") }
      #expect(entry.key != nil || entry.remark != nil, "\(entry.name)")
      #expect(ConfigurationKey.named(entry.name) == nil, "\(entry.name)")
    }
    let names = ForeignKey.table.map(\.name) + ConfigurationKey.all.flatMap(\.aliases.keys)
    let twice = Dictionary(grouping: names) { $0 }.filter { $0.value.count > 1 }.keys
    #expect(twice.isEmpty, "\(twice)")
  }

  @Test(arguments: [
    ("base_model: x", "(axolotl); here it is 'model_name_or_path'"),
    ("micro_batch_size: 2", "(axolotl); here it is 'per_device_train_batch_size'"),
    ("sequence_len: 2", "(axolotl); here it is 'max_length'"),
    ("cutoff_len: 2", "(LLaMA-Factory); here it is 'max_length'"),
    ("lora_rank: 2", "here it is 'lora_r'"), ("iters: 2", "(mlx-lm); here it is 'max_steps'"),
    ("steps_per_report: 2", "(mlx-lm); here it is 'logging_steps'"),
    ("log_every_n_steps: 2", "(torchtune); here it is 'logging_steps'"),
    ("resume_adapter_file: x", "(mlx-lm); here it is 'init_adapter', a PEFT folder"),
    ("finetuning_type: lora", "(LLaMA-Factory); LoRA is the only method, so leave it out"),
    ("evaluation_strategy: no", "(transformers); here it is 'eval_strategy'"),
    ("optimizer: adamw", "AdamW is the only optimizer"),
    ("optimizer.lr: 1e-4", "(torchtune); here it is 'learning_rate'"),
    ("gradient_checkpointing: true", "here it is 'activation_checkpointing', with the values none"),
  ])
  func `a foreign key is translated with its place`(yaml: String, sentence: String) throws {
    let faults = try faults(yaml)
    let name = yaml.prefix { $0 != ":" }
    #expect(faults.count == 1 && faults[0].hasPrefix("run.yaml:4: unknown key '\(name)' "))
    #expect(faults.first?.contains(sentence) == true, "\(faults)")
  }

  @Test func `every key of a block is translated on its own line`() throws {
    let mlx = try faults(
      """
      lora_parameters:
        keys: [self_attn.q_proj]
        rank: 8
        scale: 20.0
        dropout: 0.0
      lr_schedule:
        name: cosine_decay
      """)
    #expect(
      mlx == [
        "run.yaml:5: unknown key 'lora_parameters.keys' (mlx-lm); here it is 'lora_target_modules',"
          + " with the last part of each name",
        "run.yaml:6: unknown key 'lora_parameters.rank' (mlx-lm); here it is 'lora_r'",
        "run.yaml:7: unknown key 'lora_parameters.scale' (mlx-lm); here it is 'lora_alpha', which is"
          + " scale times rank",
        "run.yaml:8: unknown key 'lora_parameters.dropout' (mlx-lm); here it is 'lora_dropout'",
        "run.yaml:10: unknown key 'lr_schedule.name' (mlx-lm); here it is 'lr_scheduler_type'",
      ])
    let torchtune = try faults(
      """
      model:
        _component_: torchtune.models.qwen2_5.lora_qwen2_5_7b_instruct
        lora_rank: 8
        apply_lora_to_mlp: True
        frozen: x
      optimizer: {_component_: torch.optim.AdamW, lr: 2e-5}
      """)
    #expect(torchtune.count == 6)
    #expect(
      torchtune[0].contains("'model._component_' (torchtune); here it is 'model_name_or_path'"))
    #expect(torchtune[1].hasPrefix("run.yaml:6: unknown key 'model.lora_rank'"))
    #expect(torchtune[3] == "run.yaml:8: unknown key 'model.frozen'; leave it out")
    #expect(torchtune[5].hasPrefix("run.yaml:9: unknown key 'optimizer.lr'"))
  }

  @Test func `lists of blocks, own keys in blocks and strange blocks are told`() throws {
    let faults = try faults(
      """
      datasets:
        - path: food
          type: alpaca
      training:
        learning_rate: 1e-4
        lerning_rate: 1e-4
        micro_batch_size: 3
      """)
    #expect(
      faults == [
        "run.yaml:5: unknown key 'datasets.path' (axolotl); here it is 'dataset_path'",
        "run.yaml:6: unknown key 'datasets.type' (axolotl); here it is 'prompt_template', with the"
          + " values plain, chat and open",
        "run.yaml:8: 'training.learning_rate' stands in a block; write 'learning_rate' without one",
        "run.yaml:9: in the block 'training': unknown key 'lerning_rate'; did you mean"
          + " 'learning_rate'?",
        "run.yaml:10: in the block 'training': unknown key 'micro_batch_size' (axolotl); here it is"
          + " 'per_device_train_batch_size'",
      ])
  }

  @Test func `foreign keys are known on the command line and in the environment`() throws {
    let (file, overrides) = try ConfigurationValues.parse(["optimizer.lr=1e-4", "a.b=c"])
    #expect(overrides.map(\.key) == ["optimizer.lr"] && file == "a.b=c")
    let values = try ConfigurationValues(
      file: nil, environment: ["DISTTRAIN_NUM_LAYERS": "3"], overrides: overrides)
    #expect(
      values.faults.contains {
        $0.hasPrefix("command line: unknown key 'optimizer.lr' (torchtune)")
      })
    #expect(
      values.faults.contains { $0.hasPrefix("DISTTRAIN_NUM_LAYERS: unknown key 'num_layers'") })
  }
}
