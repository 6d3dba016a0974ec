#!/usr/bin/env python3
"""Passes adapters and merged models between this program and PEFT, in both directions, and compares scores.

usage: python3 scripts/round_trip.py [MODEL_FOLDER ...] [--binary DISTTRAIN] [--dataset DATASET.json]
needs: pip install torch transformers peft tokenizers safetensors

Always runs on small random qwen2, qwen3 and llama models that it makes; model folders that are given come on top. A score
is the log-probability of a letter or of an option's text after a real prompt, with all digits that predictions.jsonl has;
the normalizer of each log-probability covers the logits of the whole vocabulary. Figures are relative: the largest
|ours - theirs| / |theirs| over the questions, of the vectors of their scores. Ends with 1 if one is beyond its limit.
"""
import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "Sources/DistTrain/Demo"
LETTERS = "ABCDEFGHIJ"
LIMIT = 1e-4
# Merging rounds every weight once more; what that does to a score depends on the model, so these are bounds from trials.
ROUNDED = {torch.bfloat16: 5e-2, torch.float16: 5e-3}
# Digits of a significand, and the exponent of the smallest normal number.
DIGITS = {torch.bfloat16: (8, -126), torch.float16: (11, -14)}
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Table:
    """Rows of figures and verdicts, 80 columns wide."""

    def __init__(self):
        self.failed = self.count = 0
        print(f"{'':48}{'figure':>9}{'limit':>9}  verdict")

    def heading(self, text: str):
        print(text, flush=True)

    def row(self, name: str, figure=None, limit=None, verdict: str = None, is_least: bool = False):
        """A figure that must be within its limit, or a verdict; one in capitals is a failure."""
        is_right = (figure >= limit if is_least else figure <= limit) if verdict is None else not verdict.isupper()
        verdict = verdict or ("ok" if is_right else "BEYOND")
        self.count += 1
        self.failed += not is_right
        texts = ["" if value is None else f"{value:.1e}" for value in (figure, limit)]
        print(f"  {name:46}{texts[0]:>9}{texts[1]:>9}  {verdict}", flush=True)


class Scorer:
    """The questions of one model folder, scored by this program and by transformers."""

    def __init__(self, program: str, model: Path, questions: list, work: Path):
        self.program, self.model, self.work = program, model, work
        self.data = work / "questions.json"
        self.data.write_text(json.dumps(questions))
        self.settings = [f"dataset_path={self.data}", "split=ratio", "train_ratio=0.5", "val_ratio=0.1", "test_ratio=0.4",
                         "option_order=dataset"]
        # AutoTokenizer gives every qwen2 model Qwen's pre-tokenizer, whatever tokenizer.json says.
        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self.questions, self.runs = questions, 0

    def disttrain(self, *arguments) -> str:
        """Runs the program; returns what it complained of, None if it succeeded."""
        result = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        return None if result.returncode == 0 else f"exit {result.returncode}: {result.stderr.strip()}"

    def run(self, *arguments) -> None:
        if complaint := self.disttrain(*arguments):
            raise SystemExit(f"{' '.join(map(str, arguments))}: {complaint}")

    def ours(self, *arguments, model: Path = None):
        """Scores by `disttrain evaluate`, letters and options: {kind: {question: scores}}, or why it refuses."""
        found = {}
        for kind in ("letter", "option"):
            self.runs += 1
            output = self.work / f"evaluation-{self.runs}"
            complaint = self.disttrain("evaluate", *arguments, f"model_name_or_path={model or self.model}", *self.settings,
                                       f"score={kind}", f"output_dir={output}")
            if complaint:
                return complaint
            lines = [json.loads(line) for line in (output / "predictions.jsonl").read_text().splitlines()]
            found[kind] = {line["index"]: torch.tensor(line["scores"], dtype=torch.float64) for line in lines}
        self.held_out = sorted(found["letter"])
        return found

    @torch.no_grad()
    def theirs(self, model) -> dict:
        """The same by a model of transformers or PEFT."""
        model.eval()
        found = {"letter": {}, "option": {}}
        for index in self.held_out:
            prompt, letters, texts = self.text(self.questions[index])
            for kind, answers in (("letter", letters), ("option", texts)):
                scores = [self.log_probability(model, prompt, answer) for answer in answers]
                found[kind][index] = torch.stack(scores)
        return found

    def text(self, question: dict):
        """The prompt, and the answers that are scored."""
        options = list(question["options"].values())
        lines = "".join(f"{letter}) {option}\n" for letter, option in zip(LETTERS, options))
        prompt = ("Given the following recipe question and options, select the best answer.\n\nQuestion: "
                  f"{question['query'].strip()}\n\nOptions:\n{lines}\nAnswer:")
        return prompt, [f" {letter}" for letter in LETTERS[:len(options)]], [f" {option.strip()}" for option in options]

    def log_probability(self, model, prompt: str, answer: str):
        whole = self.tokenizer.encode(prompt + answer, add_special_tokens=False).ids
        alone = self.tokenizer.encode(prompt, add_special_tokens=False).ids
        start = next((i for i, (a, b) in enumerate(zip(whole, alone)) if a != b), min(len(whole), len(alone)))
        logits = model(input_ids=torch.tensor([whole])).logits[0].double()
        targets = torch.tensor(whole[start:])
        return torch.log_softmax(logits[start - 1:-1], -1).gather(1, targets[:, None]).sum()


def distance(ours: dict, theirs: dict) -> float:
    """The largest relative difference of a question's scores, over letters and options."""
    return max(((ours[kind][index] - scores).norm() / scores.norm()).item()
               for kind in theirs for index, scores in theirs[kind].items())


def load(folder: Path, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)


def with_adapter(base: Path, adapter: Path):
    return PeftModel.from_pretrained(load(base), adapter)


def make_model(folder: Path, kind: str, dtype, shard: str = "1GB") -> None:
    """A random model with the demo's tokenizer, its weights large enough for every part to count."""
    sizes = {"vocab_size": 1280, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": kind != "llama",
             "bos_token_id": None, "eos_token_id": 1279, "pad_token_id": None}
    if kind == "qwen3":
        sizes["head_dim"] = 16
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes))
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        scale = 0.3 if parameter.dim() == 1 else 1.5 / parameter.shape[-1] ** 0.5
        parameter.data = scale * noise + (1 if "norm" in name else 0)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    model.config.dtype = dtype
    model.save_pretrained(folder, max_shard_size=shard)
    shutil.copy(DEMO / "model/tokenizer.json", folder)
    backend = {"qwen2": "Qwen2Tokenizer", "qwen3": "Qwen2Tokenizer"}.get(kind, "PreTrainedTokenizerFast")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": backend, "eos_token": "<|im_end|>"}))


def from_here(scorer: Scorer, table: Table, kinds: int = 2) -> None:
    """Runs of this program to PEFT: adapters of the last and of an earlier checkpoint, then merged models."""
    adapters = {"all, r 8, alpha 12": ["lora_r=8", "lora_alpha=12"],
                "q v, r 4, alpha 4": ["lora_r=4", "lora_alpha=4", "lora_target_modules=q_proj,v_proj"]}
    for name, settings in list(adapters.items())[:kinds]:
        run = scorer.work / f"run-{settings[0]}"
        scorer.run("train", f"model_name_or_path={scorer.model}", *scorer.settings, f"output_dir={run}", "max_steps=4",
                   "save_steps=2", "gradient_accumulation_steps=4", "learning_rate=0.01", "weight_decay=0.1", *settings)
        checkpoints = sorted((run / "checkpoints").glob("*.h5"))
        for checkpoint, moment in ((checkpoints[0], "step 2"), (run, "the end")):
            adapter = scorer.work / f"adapter-{settings[0]}-{moment[-1]}"
            scorer.run("export", checkpoint, "--output", adapter)
            ours = scorer.ours("--adapter", adapter)
            theirs = scorer.theirs(with_adapter(scorer.model, adapter))
            table.row(f"export of {moment} -> PEFT: {name}", distance(ours, theirs), LIMIT)
        merged_model(scorer, table, run, adapter, ours, name)
    untouched = distance(scorer.theirs(load(scorer.model)), theirs)
    table.row("what the adapter changes, at least", untouched, 100 * LIMIT, is_least=True)


def merged_model(scorer: Scorer, table: Table, run: Path, adapter: Path, ours: dict, name: str) -> None:
    """`export --merge`, read by transformers alone."""
    merged = scorer.work / f"merged-{run.name}"
    scorer.run("export", run, "--output", merged, "--merge")
    dtype = next(iter(load(merged, "auto").state_dict().values())).dtype
    table.row(f"merged: types and files: {name}", verdict="ok" if files(merged) == files(scorer.model) else "OTHER")
    theirs = scorer.theirs(load(merged))
    here = scorer.ours(run, "init_adapter=none", model=merged)
    table.row(f"merged, by both: {name}", distance(here, theirs), LIMIT)
    table.row(f"merged, base + adapter: {name}", distance(theirs, ours), ROUNDED.get(dtype, LIMIT))
    if dtype in ROUNDED:
        peft = PeftModel.from_pretrained(load(scorer.model, dtype), adapter).merge_and_unload().float()
        table.row(f"  merged by PEFT, the same: {name}", distance(scorer.theirs(peft), ours), ROUNDED[dtype])
        table.row(f"merged, in last places: {name}", *rounding(scorer.model, merged, adapter))
    tokenizers(scorer, table, merged)


def files(model: Path) -> dict:
    """Every file of a model folder: names and types of tensors in every shard, the content of all others."""
    shards = {path.name: {name: (tensor.dtype, tensor.shape) for name, tensor in load_file(path).items()}
              for path in model.glob("*.safetensors")}
    return shards | {path.name: path.read_bytes() for path in model.glob("*.json")}


def rounding(base: Path, merged: Path, adapter: Path):
    """The largest distance of a merged weight from W + s B A in units of its last place, and the limit."""
    weights, rounded = (load(folder, "auto").state_dict() for folder in (base, merged))
    config = json.loads((adapter / "adapter_config.json").read_text())
    scaling, factors = config["lora_alpha"] / config["r"], load_file(adapter / "adapter_model.safetensors")
    worst = 0.0
    for name in factors:
        if not name.endswith("lora_A.weight"):
            continue
        module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight") + ".weight"
        a, b = factors[name].double(), scaling * factors[name.replace("lora_A", "lora_B")].double()
        exact = weights[module].double() + b @ a
        # What the sum and product in float32 may be off before the last rounding; it shows where they cancel.
        before = (weights[module].double().abs() + b.abs() @ a.abs()) * 2.0 ** -22
        digits, smallest = DIGITS[weights[module].dtype]
        exponent = exact.abs().clamp(min=2.0 ** smallest).log2().floor()
        error = (rounded[module].double() - exact).abs() - before
        worst = max(worst, (error / 2 ** (exponent - digits + 1)).max().item())
    return worst, 0.5


def tokenizers(scorer: Scorer, table: Table, merged: Path) -> None:
    """AutoTokenizer on the merged folder, where the architecture does not put another pre-tokenizer in its place."""
    tokenizer = AutoTokenizer.from_pretrained(merged)
    prompts = [scorer.text(question)[0] for question in scorer.questions]
    ids = [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
    same = ids == [scorer.tokenizer.encode(prompt, add_special_tokens=False).ids for prompt in prompts]
    cut = lambda text: json.loads(text)["pre_tokenizer"]
    own = cut(scorer.tokenizer.to_str()) == cut(tokenizer.backend_tokenizer.to_str())
    table.row("merged: AutoTokenizer's ids of all prompts", verdict="ok" if same else "OTHER" if own else "own rules")


# Adapters that PEFT writes: name, configuration, element type. What this program does not compute must be refused with
# the word that is given.
CASES = [
    ("r 4, all projections", {"r": 4, "lora_alpha": 8, "target_modules": ALL}, None),
    ("r 16, q and v", {"r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "v_proj"]}, None),
    ("r 8, alpha 5, down alone", {"r": 8, "lora_alpha": 5, "target_modules": ["down_proj"]}, None),
    ("r 1, alpha 0.5, dropout 0.1", {"r": 1, "lora_alpha": 0.5, "lora_dropout": 0.1, "target_modules": ALL}, None),
    ("all-linear", {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}, None),
    ("all-linear but o", {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "exclude_modules": ["o_proj"]},
     None),
    ("ends of paths", {"r": 4, "lora_alpha": 8, "target_modules": ["self_attn.q_proj", "up_proj"]}, None),
    ("a pattern of modules", {"r": 4, "lora_alpha": 8, "target_modules": r".*\.(q|v|down)_proj"}, None),
    ("no task type", {"r": 4, "lora_alpha": 8, "target_modules": ALL, "task_type": None}, None),
    ("gaussian", {"r": 4, "lora_alpha": 8, "target_modules": ALL, "init_lora_weights": "gaussian"}, None),
    ("orthogonal", {"r": 4, "lora_alpha": 8, "target_modules": ALL, "init_lora_weights": "orthogonal"}, None),
    ("float16 tensors", {"r": 8, "lora_alpha": 16, "target_modules": ALL}, torch.float16),
    ("bfloat16 tensors", {"r": 8, "lora_alpha": 16, "target_modules": ALL}, torch.bfloat16),
]
REFUSED = [
    ("rank-stabilized", {"use_rslora": True}, "rslora"),
    ("DoRA", {"use_dora": True}, "dora"),
    ("rank_pattern", {"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
    ("alpha_pattern", {"alpha_pattern": {"q_proj": 3}}, "alpha_pattern"),
    ("a pattern with the embedding", {"target_modules": ".*(q_proj|embed_tokens)"}, "embed"),
    ("the embedding too", {"target_modules": ["q_proj", "embed_tokens"]}, "embed_tokens"),
    ("one layer alone", {"layers_to_transform": [0]}, "all layers"),
    ("layers twice", {"layer_replication": [[0, 2], [0, 2]]}, "layer"),
    ("biases of the base", {"bias": "all"}, "bias"),
    ("biases of B", {"lora_bias": True}, "lora_bias"),
    ("a norm trained as a whole", {"modules_to_save": ["norm"]}, "norm|modules_to_save"),
    ("trained tokens", {"trainable_token_indices": [3, 5]}, "token"),
    ("PiSSA", {"init_lora_weights": "pissa"}, "pissa"),
    ("OLoRA", {"init_lora_weights": "olora"}, "olora"),
    ("MiCA", {"init_lora_weights": "mica"}, "mica"),
    ("KaSA", {"kasa_config": "KasaConfig"}, "kasa|diag"),
    ("MonteCLoRA", {"monteclora_config": "MontecloraConfig"}, "monteclora"),
    ("VeLoRA", {"velora_config": "VeloraConfig"}, "velora"),
    ("block-diagonal", {"use_bdlora": "BdLoraConfig"}, "bdlora|shape"),
]


def write_adapter(scorer: Scorer, folder: Path, config: dict, dtype=None) -> None:
    """An adapter as PEFT saves it, both factors random."""
    torch.manual_seed(11)
    settings = {"task_type": "CAUSAL_LM", **config}
    for key, value in settings.items():
        if isinstance(value, str) and value.endswith("Config"):
            import peft.tuners.lora.config as variants
            blocks = {"target_modules_bd_a": ["q_proj"], "nblocks": 2, "match_strict": False}
            settings[key] = getattr(variants, value)(**blocks if value == "BdLoraConfig" else {})
    model = get_peft_model(load(scorer.model), LoraConfig(**settings))
    for name, parameter in model.named_parameters():
        if "lora_B" in name or "lora_A" in name:
            parameter.data.normal_(0, 0.7 / parameter.shape[-1] ** 0.5)
        elif parameter.requires_grad:
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    if dtype:
        path = folder / "adapter_model.safetensors"
        save_file({name: tensor.to(dtype) for name, tensor in load_file(path).items()}, path, {"format": "pt"})


def from_peft(scorer: Scorer, table: Table, cases: list, refused: list) -> None:
    """Adapters that PEFT made: scored alike, and through a run here and back without a changed bit."""
    base = scorer.theirs(load(scorer.model))
    for name, config, dtype in cases:
        folder = scorer.work / f"peft-{name}"
        write_adapter(scorer, folder, config, dtype)
        ours = scorer.ours("--adapter", folder)
        if isinstance(ours, str):
            table.row(f"PEFT -> evaluate: {name}", verdict="REFUSED")
            print(f"      {ours[:600]}")
            continue
        theirs = scorer.theirs(with_adapter(scorer.model, folder))
        table.row(f"PEFT -> evaluate: {name}", distance(ours, theirs), LIMIT)
        if distance(base, theirs) < 100 * LIMIT:
            table.row("  what it changes, at least", distance(base, theirs), 100 * LIMIT, is_least=True)
    if cases:
        there_and_back(scorer, table, folder)
    for name, config, word in refused:
        folder = scorer.work / f"refused-{name}"
        try:
            write_adapter(scorer, folder, {"r": 4, "lora_alpha": 8, "target_modules": ALL, **config})
        except Exception as reason:
            table.row(f"PEFT -> evaluate: {name}", verdict="NOT MADE")
            print(f"      {str(reason).splitlines()[0][:110]}")
            continue
        ours = scorer.ours("--adapter", folder)
        if isinstance(ours, str):
            named = any(part in ours.lower() for part in word.split("|"))
            table.row(f"PEFT -> evaluate: {name}", verdict="refused" if named else "NOT NAMED")
            if not named:
                print(f"      {ours[:400]}")
            continue
        theirs = scorer.theirs(with_adapter(scorer.model, folder))
        table.row(f"PEFT -> evaluate: {name}", distance(ours, theirs), LIMIT)


def there_and_back(scorer: Scorer, table: Table, folder: Path) -> None:
    """PEFT's tensors through a step that changes nothing, a checkpoint and `export`."""
    run, back = scorer.work / "back-run", scorer.work / "back"
    scorer.run("train", f"model_name_or_path={scorer.model}", *scorer.settings, f"output_dir={run}", "max_steps=1",
               f"init_adapter={folder}", "learning_rate=1e-30", "weight_decay=0", "gradient_accumulation_steps=2")
    scorer.run("export", run, "--output", back)
    before, after = (load_file(path / "adapter_model.safetensors") for path in (folder, back))
    same = before.keys() == after.keys() and all(torch.equal(before[name].float(), after[name]) for name in before)
    table.row("PEFT -> checkpoint -> export: the same bits", verdict="ok" if same else "OTHER")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/disttrain"))
    parser.add_argument("--dataset", type=Path, default=DEMO / "questions.json")
    parser.add_argument("--keep", action="store_true", help="keep what was written")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    work = Path(tempfile.mkdtemp(prefix="disttrain-round-trip-"))
    questions = json.loads(options.dataset.read_text())
    table = Table()
    for kind, dtype, shard in [("qwen2", torch.float32, "1GB"), ("qwen3", torch.float32, "150KB"),
                               ("llama", torch.float32, "1GB"), ("qwen2", torch.bfloat16, "100KB"),
                               ("llama", torch.float16, "1GB")]:
        name = f"{kind} {str(dtype).removeprefix('torch.')}"
        folder = work / name
        (folder / "work").mkdir(parents=True)
        make_model(folder / "model", kind, dtype, shard)
        shards = len(list((folder / "model").glob("*.safetensors")))
        table.heading(f"{name}, small, random{f', {shards} shards' if shards > 1 else ''}")
        scorer = Scorer(options.binary, folder / "model", questions[:40], folder / "work")
        from_here(scorer, table)
        from_peft(scorer, table, CASES, REFUSED if name == "qwen2 float32" else [])
    for index, model in enumerate(options.models):
        folder = work / f"given-{index}"
        folder.mkdir()
        table.heading(f"{model.name}")
        scorer = Scorer(options.binary, model, questions[:15], folder)
        from_here(scorer, table)
        from_peft(scorer, table, CASES[:2] + CASES[-1:], [])
        table.heading(f"{model.name} in float32")
        copy = folder / "float32"
        load(model).save_pretrained(copy)
        for path in model.glob("tokenizer*"):
            shutil.copy(path, copy)
        (folder / "work").mkdir()
        from_here(Scorer(options.binary, copy, questions[:15], folder / "work"), table, kinds=1)
    print(f"{table.count - table.failed} of {table.count} right")
    if options.keep:
        print(f"kept in {work}")
    else:
        shutil.rmtree(work)
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
