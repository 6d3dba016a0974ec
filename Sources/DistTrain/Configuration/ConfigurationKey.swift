/// One setting of a run: its name, what it accepts, its default, and what it means.
package struct ConfigurationKey: Sendable {
  package enum Kind: Sendable, Equatable {
    case text
    /// May be left out or "none".
    case optionalText
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case flag
    case choice([String])
    /// A list, or words separated by commas.
    case list
  }
  package let name: String
  package let kind: Kind
  /// The default as it would be written; nil where the user must say.
  package let fallback: String?
  package let help: String
  /// What other trainers call it, for the error message.
  package var aliases: [String: String] = [:]
  /// The key that gives the same setting as a share below 1.
  package var shareName: String?
  /// False where a resumed run may have another value.
  package var isFixed = true
  /// False for what says how the run is called, not what it is: checkpoints do not keep it, so that a run that went on
  /// elsewhere or after a stop has the same bytes.
  package var isKept = true
  package var scope = Scope.all

  /// For which models a setting means something.
  package enum Scope: Sendable {
    /// Decoders that get an adapter.
    case adapters
    /// Encoders, all of whose parameters are trained.
    case encoders
    case all
  }

  package var flagName: String { "--" + name.replacing("_", with: "-") }

  /// Every key, in the order of files and help.
  package static let all: [ConfigurationKey] = sections.flatMap(\.keys)

  /// The keys by what they are about.
  static let sections: [(title: String, keys: [ConfigurationKey])] = [
    ("Model and run", model), ("Data and scoring", data), ("Training", training),
    ("Adapter", lora), ("Log and checkpoints", cadence),
  ]

  /// The setting that `name` gives, by its own name or as a share.
  package static func named(_ name: String) -> ConfigurationKey? {
    all.first { $0.name == name || $0.shareName == name }
  }

  private static let model = [
    ConfigurationKey(
      name: "model_name_or_path", kind: .text, fallback: nil,
      help:
        "folder of the base model (config.json, *.safetensors, tokenizer.json): a decoder that gets an adapter, or a BERT, RoBERTa or DistilBERT encoder that is trained whole",
      aliases: ["base_model": "axolotl", "model": "mlx-lm"], isFixed: false),
    ConfigurationKey(
      name: "dataset_path", kind: .text, fallback: nil,
      help: "data set, a JSON array in Recipe-MPR's schema",
      aliases: ["dataset": "LLaMA-Factory", "data": "mlx-lm", "datasets": "axolotl"],
      isFixed: false),
    ConfigurationKey(
      name: "output_dir", kind: .text, fallback: nil, help: "folder that the run is written to",
      isFixed: false, isKept: false),
    ConfigurationKey(
      name: "overwrite_output_dir", kind: .flag, fallback: "false",
      help: "replace another run in output_dir", isFixed: false, isKept: false),
    ConfigurationKey(
      name: "init_adapter", kind: .optionalText, fallback: "none",
      help: "PEFT folder to start from instead of a fresh adapter", isFixed: false, scope: .adapters
    ),
    ConfigurationKey(
      name: "resume_from_checkpoint", kind: .optionalText, fallback: "none",
      help: "auto (the newest good checkpoint), a checkpoint's path, or none", isFixed: false,
      isKept: false),
    ConfigurationKey(
      name: "precision", kind: .choice(["float32", "bfloat16"]), fallback: "float32",
      help: "in what matrix products are computed", aliases: ["bf16": "LLaMA-Factory"]),
    ConfigurationKey(
      name: "activation_checkpointing", kind: .choice(["none", "full"]), fallback: "none",
      help: "full: keep less memory per layer, compute each one's forward pass twice",
      isFixed: false, scope: .adapters),
    ConfigurationKey(
      name: "tokens_per_pass", kind: .integer(1...1_000_000), fallback: "224",
      help:
        "micro-batches of together so many tokens go through the model together; speed and memory, never the result",
      isFixed: false, scope: .adapters),
    ConfigurationKey(
      name: "overlap_all_reduce", kind: .choice(["auto", "always", "never"]), fallback: "auto",
      help:
        "between hosts, sum gradients while the last of them are still computed; auto: if that turns out faster",
      isFixed: false),
    ConfigurationKey(
      name: "threads_per_rank", kind: .integer(1...1024), fallback: "1",
      help: "threads of each process", isFixed: false),
  ]

  private static let ratio = Kind.number(0...1)

  private static let data = [
    ConfigurationKey(
      name: "split", kind: .text, fallback: "ratio",
      help:
        "ratio, seed (the published 400/50/50), the path of a test_split.json, or fold:K:FOLDS with FOLDS as in folds"
    ),
    ConfigurationKey(
      name: "folds", kind: .optionalText, fallback: "none",
      help:
        "cross-validation: a number of folds, or a file of [train, validation, test] lists; each becomes a run in output_dir/fold-K"
    ),
    ConfigurationKey(
      name: "train_ratio", kind: ratio, fallback: "0.8",
      help: "share of the questions that is trained on"),
    ConfigurationKey(
      name: "val_ratio", kind: ratio, fallback: "0.1", help: "share that gives the validation loss",
      aliases: ["val_set_size": "axolotl", "val_size": "LLaMA-Factory"]),
    ConfigurationKey(
      name: "test_ratio", kind: ratio, fallback: "0.1", help: "share held out for the score"),
    ConfigurationKey(
      name: "option_order", kind: .choice(OptionOrder.allCases.map(\.rawValue)),
      fallback: "shuffled",
      help:
        "which option gets which letter: the file's order, a random one, another in each epoch, or all rotations in scoring"
    ),
    ConfigurationKey(
      name: "prompt_template", kind: .choice(PromptTemplate.allCases.map(\.rawValue)),
      fallback: "plain",
      help:
        "plain text, the model's chat format, or open: no options shown, the answer is the option's text",
      aliases: ["template": "LLaMA-Factory", "chat_template": "axolotl"], scope: .adapters),
    ConfigurationKey(
      name: "score", kind: .choice(ScoreRule.allCases.map(\.rawValue)), fallback: "letter",
      help:
        "pick by the letter's likelihood, the letter in generated text, or the likelihood of the option's text",
      scope: .adapters),
    ConfigurationKey(
      name: "max_new_tokens", kind: .integer(1...4096), fallback: "8",
      help: "tokens that score: generated lets the model write", isFixed: false, scope: .adapters),
    ConfigurationKey(
      name: "score_controls", kind: .flag, fallback: "true",
      help: "score also the starting adapter, and the options without their question",
      isFixed: false),
    ConfigurationKey(
      name: "strict_audit", kind: .flag, fallback: "false",
      help: "refuse to train where a trivial rule finds the right option", isFixed: false),
    ConfigurationKey(
      name: "loss_on", kind: .choice(["all", "completion"]), fallback: "all",
      help: "train on all tokens, or on the answer's alone",
      aliases: ["train_on_inputs": "axolotl", "mask_prompt": "mlx-lm"], scope: .adapters),
    ConfigurationKey(
      name: "loss_normalization", kind: .choice(["predicted", "labels"]), fallback: "predicted",
      help: "divide the loss by predicted tokens, or by labels as transformers counts them",
      scope: .adapters),
    ConfigurationKey(
      name: "max_length", kind: .integer(2...1_000_000), fallback: "512",
      help: "longest example in tokens; a longer prompt loses its start",
      aliases: [
        "sequence_len": "axolotl", "cutoff_len": "LLaMA-Factory", "max_seq_length": "mlx-lm",
      ]),
    ConfigurationKey(
      name: "shuffle", kind: .flag, fallback: "true",
      help: "another order of the training examples in each epoch"),
    ConfigurationKey(
      name: "seed", kind: .integer(0...Int.max), fallback: "42",
      help: "gives all randomness: split, orders, dropout, first adapter"),
  ]

  private static let training = [
    ConfigurationKey(
      name: "num_train_epochs", kind: .number(0.001...100_000), fallback: "5",
      help: "passes over the training split",
      aliases: ["num_epochs": "axolotl", "epochs": "torchtune"], isFixed: false),
    ConfigurationKey(
      name: "max_steps", kind: .integer(-1...1_000_000_000), fallback: "-1",
      help: "optimizer steps instead of epochs, if positive", aliases: ["iters": "mlx-lm"],
      isFixed: false),
    ConfigurationKey(
      name: "per_device_train_batch_size", kind: .integer(1...4096), fallback: "1",
      help: "sequences of a micro-batch, or questions with an encoder",
      aliases: ["micro_batch_size": "axolotl", "batch_size": "mlx-lm, torchtune"]),
    ConfigurationKey(
      name: "gradient_accumulation_steps", kind: .integer(1...1_000_000), fallback: "16",
      help: "micro-batches of an optimizer step, over all ranks",
      aliases: ["grad_accumulation_steps": "mlx-lm"]),
    ConfigurationKey(
      name: "learning_rate", kind: .number(0...10), fallback: "0.0002",
      help: "highest rate of the schedule",
      aliases: ["lr": "torchtune"]),
    ConfigurationKey(
      name: "lr_scheduler_type", kind: .choice(["linear", "cosine", "constant"]),
      fallback: "linear", help: "shape of the rate after the warmup",
      aliases: ["lr_scheduler": "axolotl", "lr_schedule": "mlx-lm"]),
    ConfigurationKey(
      name: "warmup_steps", kind: .number(0...1_000_000_000), fallback: "0",
      help: "steps of linear rise; below 1, or as warmup_ratio, a share of all steps",
      aliases: ["num_warmup_steps": "torchtune"], shareName: "warmup_ratio"),
    ConfigurationKey(
      name: "weight_decay", kind: .number(0...10), fallback: "0.01", help: "decay of AdamW"),
    ConfigurationKey(
      name: "label_smoothing_factor", kind: .number(0...1), fallback: "0",
      help: "share of an encoder's target that all options get alike", scope: .encoders),
    ConfigurationKey(
      name: "oversample_negated", kind: .integer(1...1000), fallback: "1",
      help: "how often an encoder sees each question labelled Negated in an epoch",
      scope: .encoders),
    ConfigurationKey(
      name: "max_grad_norm", kind: .number(0...1e9), fallback: "1",
      help: "clip the gradient to this norm; 0 does not", aliases: ["clip_grad_norm": "torchtune"]),
  ]

  private static let lora = [
    ConfigurationKey(
      name: "lora_r", kind: .integer(1...65536), fallback: "16", help: "rank of the adapter",
      aliases: ["lora_rank": "LLaMA-Factory, torchtune"], scope: .adapters),
    ConfigurationKey(
      name: "lora_alpha", kind: .number(1e-6...1e6), fallback: "32",
      help: "the adapter counts alpha / r times", scope: .adapters),
    ConfigurationKey(
      name: "lora_dropout", kind: .number(0...0.99), fallback: "0.05",
      help: "share of A's inputs set to zero", scope: .adapters),
    ConfigurationKey(
      name: "lora_target_modules", kind: .list, fallback: "all-linear",
      help: "projections with an adapter, or all-linear",
      aliases: [
        "lora_target": "LLaMA-Factory", "lora_target_linear": "axolotl",
        "lora_attn_modules": "torchtune",
      ], scope: .adapters),
  ]

  private static let cadence = [
    ConfigurationKey(
      name: "logging_steps", kind: .integer(1...1_000_000), fallback: "10",
      help: "steps per line of the log", aliases: ["steps_per_report": "mlx-lm"],
      isFixed: false),
    ConfigurationKey(
      name: "report_to", kind: .choice(["tensorboard", "none"]), fallback: "tensorboard",
      help: "files that another program shows the log of, besides metrics.jsonl",
      aliases: ["metric_logger": "torchtune"], isFixed: false, isKept: false),
    ConfigurationKey(
      name: "eval_strategy", kind: .choice(["steps", "epoch", "no"]), fallback: "steps",
      help: "validate every eval_steps steps, after each epoch, or not",
      aliases: ["evaluation_strategy": "transformers"], isFixed: false),
    ConfigurationKey(
      name: "eval_steps", kind: .integer(0...1_000_000), fallback: "0",
      help: "steps per validation; 0 for none", aliases: ["steps_per_eval": "mlx-lm"],
      isFixed: false),
    ConfigurationKey(
      name: "metric_for_best_model", kind: .choice(BestMetric.allCases.map(\.rawValue)),
      fallback: "loss", help: "what makes a validation the best so far"),
    ConfigurationKey(
      name: "load_best_model_at_end", kind: .flag, fallback: "false",
      help: "score and keep what was best in validation instead of the last", isFixed: false),
    ConfigurationKey(
      name: "early_stopping_patience", kind: .integer(0...1_000_000), fallback: "0",
      help: "stop after so many validations without a better one; 0 for never", isFixed: false),
    ConfigurationKey(
      name: "save_steps", kind: .integer(0...1_000_000), fallback: "100",
      help: "steps per checkpoint; 0 for one at the end", aliases: ["save_every": "mlx-lm"],
      isFixed: false),
    ConfigurationKey(
      name: "save_total_limit", kind: .integer(1...1_000_000), fallback: "2",
      help: "checkpoints that are kept", isFixed: false),
    ConfigurationKey(
      name: "on_save_failure", kind: .choice(["stop", "continue"]), fallback: "stop",
      help: "what a checkpoint that cannot be written does to the run, but for its last",
      isFixed: false),
    ConfigurationKey(
      name: "watchdog_seconds", kind: .number(0...86400), fallback: "300",
      help: "end the job when no rank gets anything done for so long; 0 for never",
      isFixed: false),
    ConfigurationKey(
      name: "desync_check_steps", kind: .integer(0...1_000_000), fallback: "0",
      help: "steps per comparison of all ranks' adapters, besides each checkpoint's",
      isFixed: false),
  ]
}
