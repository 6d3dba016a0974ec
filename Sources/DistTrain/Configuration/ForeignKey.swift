/// A key of another trainer's configuration, and what to write instead.
///
/// Foreign keys are recognised in error messages, not taken: the same word may count something else there.
package struct ForeignKey: Sendable {
  /// With the block it stands in: "optimizer.lr".
  package let name: String
  package let dialect: String
  /// The key here; nil where there is none.
  package let key: String?
  /// What the reader must know besides.
  package let remark: String?

  private init(_ name: String, _ dialect: String, _ key: String?, _ remark: String? = nil) {
    self.name = name
    self.dialect = dialect
    self.key = key
    self.remark = remark
  }

  /// The entry for `name`, or the one of a key's own aliases.
  package static func named(_ name: String) -> ForeignKey? {
    for key in ConfigurationKey.all {
      if let dialect = key.aliases[name] { return ForeignKey(name, dialect, key.name) }
    }
    return table.first { $0.name == name }
  }

  /// Whether other trainers have a block of this name.
  static func hasBlock(_ name: String) -> Bool {
    table.contains { $0.name.hasPrefix(name + ".") }
  }

  /// "unknown key 'optimizer.lr' (torchtune); here it is 'learning_rate'".
  package var sentence: String {
    let start = "unknown key '\(name)' (\(dialect)); "
    let more = remark.map { key == nil ? $0 : ", \($0)" } ?? ""
    return start + (key.map { "here it is '\($0)'" } ?? "") + more
  }

  package static let table: [ForeignKey] = mlx + torchtune + axolotl + llamaFactory + transformers

  private static let adamW = "AdamW is the only optimizer, so leave it out"
  private static let lora = "LoRA is the only method, so leave it out"
  private static let files = "the files are found in model_name_or_path, so leave it out"
  private static let unquantized = "the base model is used as it is, so leave it out"
  private static let logs = "every run writes metrics.jsonl, so leave it out"
  private static let checkpointing = "with the values none and full"

  private static let mlx = [
    ForeignKey("lora_parameters.rank", "mlx-lm", "lora_r"),
    ForeignKey("lora_parameters.scale", "mlx-lm", "lora_alpha", "which is scale times rank"),
    ForeignKey("lora_parameters.alpha", "mlx-lm", "lora_alpha"),
    ForeignKey("lora_parameters.dropout", "mlx-lm", "lora_dropout"),
    ForeignKey(
      "lora_parameters.keys", "mlx-lm", "lora_target_modules", "with the last part of each name"),
    ForeignKey("lr_schedule.name", "mlx-lm", "lr_scheduler_type"),
    ForeignKey("lr_schedule.warmup", "mlx-lm", "warmup_steps"),
    ForeignKey("lr_schedule.warmup_init", "mlx-lm", nil, "the warmup begins at zero; leave it out"),
    ForeignKey(
      "lr_schedule.arguments", "mlx-lm", "learning_rate", "and the length is that of the run"),
    ForeignKey(
      "optimizer_config.adamw", "mlx-lm", "weight_decay",
      "and learning_rate; the rest is fixed"),
    ForeignKey("adapter_path", "mlx-lm", "output_dir"),
    ForeignKey("resume_adapter_file", "mlx-lm", "init_adapter", "a PEFT folder"),
    ForeignKey("num_layers", "mlx-lm", nil, "all layers get an adapter, so leave it out"),
    ForeignKey("lora_layers", "mlx-lm", nil, "all layers get an adapter, so leave it out"),
    ForeignKey("fine_tune_type", "mlx-lm", nil, lora),
    ForeignKey("grad_checkpoint", "mlx-lm", "activation_checkpointing", checkpointing),
    ForeignKey("train", "mlx-lm", nil, "the command says it: disttrain train"),
    ForeignKey("test", "mlx-lm", nil, "every run is scored on its held-out split; leave it out"),
    ForeignKey("val_batches", "mlx-lm", nil, "the whole validation split is used; leave it out"),
  ]

  private static let torchtune = [
    ForeignKey("optimizer._component_", "torchtune", nil, adamW),
    ForeignKey("optimizer.lr", "torchtune", "learning_rate"),
    ForeignKey("optimizer.weight_decay", "torchtune", "weight_decay"),
    ForeignKey("optimizer.fused", "torchtune", nil, adamW),
    ForeignKey("lr_scheduler._component_", "torchtune", "lr_scheduler_type"),
    ForeignKey("lr_scheduler.num_warmup_steps", "torchtune", "warmup_steps"),
    ForeignKey("model._component_", "torchtune", "model_name_or_path", "the model's folder"),
    ForeignKey("model.lora_rank", "torchtune", "lora_r"),
    ForeignKey("model.lora_alpha", "torchtune", "lora_alpha"),
    ForeignKey("model.lora_dropout", "torchtune", "lora_dropout"),
    ForeignKey("model.lora_attn_modules", "torchtune", "lora_target_modules"),
    ForeignKey(
      "model.apply_lora_to_mlp", "torchtune", "lora_target_modules",
      "with gate_proj, up_proj and down_proj, or all-linear"),
    ForeignKey(
      "model.apply_lora_to_output", "torchtune", nil, "the head gets no adapter; leave it out"),
    ForeignKey(
      "apply_lora_to_mlp", "torchtune", "lora_target_modules",
      "with gate_proj, up_proj and down_proj, or all-linear"),
    ForeignKey("tokenizer.max_seq_len", "torchtune", "max_length"),
    ForeignKey("tokenizer._component_", "torchtune", nil, files),
    ForeignKey("tokenizer.path", "torchtune", nil, files),
    ForeignKey("tokenizer.merges_file", "torchtune", nil, files),
    ForeignKey("checkpointer.checkpoint_dir", "torchtune", "model_name_or_path"),
    ForeignKey("checkpointer.output_dir", "torchtune", "output_dir"),
    ForeignKey("checkpointer.checkpoint_files", "torchtune", nil, files),
    ForeignKey("checkpointer.model_type", "torchtune", nil, files),
    ForeignKey("checkpointer._component_", "torchtune", nil, files),
    ForeignKey("checkpointer.recipe_checkpoint", "torchtune", "resume_from_checkpoint"),
    ForeignKey("checkpointer.adapter_checkpoint", "torchtune", "init_adapter"),
    ForeignKey("dataset._component_", "torchtune", "dataset_path"),
    ForeignKey("dataset.source", "torchtune", "dataset_path"),
    ForeignKey("dataset.data_files", "torchtune", "dataset_path"),
    ForeignKey(
      "dataset.train_on_input", "torchtune", "loss_on", "with the values all and completion"),
    ForeignKey("dataset.packed", "torchtune", nil, "batches are always packed; leave it out"),
    ForeignKey(
      "loss._component_", "torchtune", nil, "cross-entropy is the only loss; leave it out"),
    ForeignKey("metric_logger._component_", "torchtune", nil, logs),
    ForeignKey("metric_logger.log_dir", "torchtune", nil, logs),
    ForeignKey("max_steps_per_epoch", "torchtune", "max_steps", "of the whole run"),
    ForeignKey("log_every_n_steps", "torchtune", "logging_steps"),
    ForeignKey("dtype", "torchtune", "precision"),
    ForeignKey("device", "torchtune", nil, "the CPU is the only device, so leave it out"),
    ForeignKey(
      "enable_activation_checkpointing", "torchtune", "activation_checkpointing", checkpointing),
    ForeignKey("recipe_checkpoint", "torchtune", "resume_from_checkpoint"),
  ]

  private static let axolotl = [
    ForeignKey("datasets.path", "axolotl", "dataset_path"),
    ForeignKey(
      "datasets.type", "axolotl", "prompt_template", "with the values plain, chat and open"),
    ForeignKey("adapter", "axolotl", nil, lora),
    ForeignKey("lora_model_dir", "axolotl", "init_adapter"),
    ForeignKey("auto_resume_from_checkpoints", "axolotl", "resume_from_checkpoint", "with auto"),
    ForeignKey("evals_per_epoch", "axolotl", "eval_steps", "in steps"),
    ForeignKey("saves_per_epoch", "axolotl", "save_steps", "in steps"),
    ForeignKey("sample_packing", "axolotl", nil, "batches are always packed; leave it out"),
    ForeignKey("pad_to_sequence_len", "axolotl", nil, "nothing is padded; leave it out"),
    ForeignKey("load_in_8bit", "axolotl", nil, unquantized),
    ForeignKey("load_in_4bit", "axolotl", nil, unquantized),
    ForeignKey("lora_fan_in_fan_out", "axolotl", nil, "no layer needs it, so leave it out"),
    ForeignKey("tokenizer_type", "axolotl", nil, files),
    ForeignKey("model_type", "axolotl", nil, files),
    ForeignKey("flash_attention", "axolotl", nil, "attention has one kernel; leave it out"),
    ForeignKey("xformers_attention", "axolotl", nil, "attention has one kernel; leave it out"),
    ForeignKey("wandb_project", "axolotl", nil, logs),
  ]

  private static let llamaFactory = [
    ForeignKey("dataset_dir", "LLaMA-Factory", "dataset_path", "with the file's name"),
    ForeignKey("adapter_name_or_path", "LLaMA-Factory", "init_adapter"),
    ForeignKey("finetuning_type", "LLaMA-Factory", nil, lora),
    ForeignKey(
      "stage", "LLaMA-Factory", nil, "supervised training is the only stage; leave it out"),
    ForeignKey("do_train", "LLaMA-Factory", nil, "the command says it: disttrain train"),
    ForeignKey("quantization_bit", "LLaMA-Factory", nil, unquantized),
    ForeignKey("flash_attn", "LLaMA-Factory", nil, "attention has one kernel; leave it out"),
    ForeignKey("plot_loss", "LLaMA-Factory", nil, logs),
    ForeignKey("train_on_prompt", "LLaMA-Factory", "loss_on", "with the values all and completion"),
    ForeignKey("preprocessing_num_workers", "LLaMA-Factory", nil, "it takes no time; leave it out"),
    ForeignKey("overwrite_cache", "LLaMA-Factory", nil, "nothing is cached, so leave it out"),
    ForeignKey("pure_bf16", "LLaMA-Factory", "precision", "with bfloat16"),
    ForeignKey("ddp_timeout", "LLaMA-Factory", "watchdog_seconds"),
  ]

  private static let transformers = [
    ForeignKey("save_strategy", "transformers", "save_steps"),
    ForeignKey("logging_strategy", "transformers", "logging_steps"),
    ForeignKey("optim", "transformers", nil, adamW),
    ForeignKey("optimizer", "axolotl, mlx-lm", nil, adamW),
    ForeignKey("fp16", "transformers", "precision", "with float32 or bfloat16"),
    ForeignKey("data_seed", "transformers", "seed"),
    ForeignKey("gradient_checkpointing", "transformers", "activation_checkpointing", checkpointing),
    ForeignKey(
      "per_device_eval_batch_size", "transformers", nil, "scoring needs none; leave it out"),
    ForeignKey("dataloader_num_workers", "transformers", nil, "it takes no time; leave it out"),
    ForeignKey("logging_dir", "transformers", nil, logs),
    ForeignKey("r", "PEFT", "lora_r"),
    ForeignKey("target_modules", "PEFT", "lora_target_modules"),
  ]
}
