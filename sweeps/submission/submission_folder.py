"""The folder of a submission: every file by its name, README.md among them."""

import json
import shlex
from collections.abc import Iterator

from golf.artifact.packing import CLIP_QUANTILE
from golf.limits import LIMIT_BYTES
from golf.train.config import TrainConfig
from golf.ttt.config import EvalConfig
from sweeps.board.compare import differing
from sweeps.board.rules import MARGIN_NATS
from sweeps.spec.recipe import Recipe, build_recipe
from sweeps.submission.submission import DIGITS, Submission, blurb, claims, log_lines, tests
from sweeps.views.certificates import lines as certificate_lines

CODERS = {"ans": "context models and an asymmetric numeral system", "zstd": "zstandard"}


def contents(submission: Submission) -> dict[str, bytes]:
    """Every file of the folder by its name."""
    texts = {f"train_seed{run.seed}.log": log_lines(submission, run) for run in submission.runs}
    texts |= {
        "README.md": _readme(submission),
        "requirements.txt": (f"{name}=={version}" for name, version in submission.requirements.items()),
    }
    plain = {"submission.json": claims(submission), "certificate.json": submission.certificate}
    found = {name: ("\n".join(lines) + "\n").encode() for name, lines in texts.items()}
    found |= {name: (json.dumps(one, indent=2, allow_nan=False) + "\n").encode() for name, one in plain.items()}
    return found | {"train_gpt.py": submission.script}


def _readme(submission: Submission) -> Iterator[str]:
    std = submission.std
    spread = "" if std is None else f" ± {std:.4f} (sample standard deviation)"
    count = f"{len(submission.runs)} seed{'s' if len(submission.runs) > 1 else ''}"
    yield f"# {submission.name}: {submission.bpb:.4f} bits per byte"
    yield ""
    yield f"{blurb(submission.recipe)} Mean over {count}{spread}; every number below is from the logs in this folder."
    yield from ("", "## Method", "")
    yield from _method(submission)
    yield from ("", "## Command", "")
    yield from _command(submission)
    yield from ("", "## Seeds", "")
    yield from _seed_table(submission)
    yield from ("", "## Statistics", "")
    yield from _statistics(submission)
    yield from ("", "## Certificate", "")
    yield "The scorer was judged from outside, by what it returns (certificate.json has every probe):"
    yield from ("", "```", *certificate_lines(submission.certificate), "```")
    if submission.standing["findings"]:
        yield from ("", "Findings that the rules let pass:", "")
        yield from (f"- `{one['code']}`: {one['detail']}" for one in submission.standing["findings"])


def _method(submission: Submission) -> Iterator[str]:
    recipe = submission.recipe
    yield from (_training(submission), "", _quantization(recipe), "", _evaluation(recipe.eval), "")
    yield "All settings stand in train_gpt.py as JSON. Those that differ from golfsweep's defaults:"
    yield from ("", "| setting | here | default |", "|---|---|---|")
    for one in differing(recipe.settings(), build_recipe({}, "defaults").settings()):
        here, default = (json.dumps(one[side]) for side in ("challenger", "incumbent"))
        yield f"| `{one['setting']}` | {here} | {default} |"


def _training(submission: Submission) -> str:
    config, run = submission.recipe.train, submission.runs[0]
    model = config.model
    return (
        f"Training: {run.result['parameters']:,} parameters; {model.num_layers} layers of width {model.model_dim}, "
        f"{model.num_heads} query and {model.num_kv_heads} key-value heads, MLP of {model.mlp_hidden}, vocabulary of "
        f"{model.vocab_size:,} with tied embeddings. Muon on the blocks' matrices, AdamW on the rest; "
        f"{config.batch_tokens:,} tokens a step at length {config.seq_len:,}, {_limit(config)}. The weights "
        f"are averaged ({run.result['averaged']}), and the smallest {config.prune:.0%} in large matrices set to zero."
    )


def _limit(config: TrainConfig) -> str:
    limits = [
        *([] if config.steps is None else [f"{config.steps:,} steps"]),
        *([] if config.max_seconds is None else [f"{config.max_seconds:g} s of the training clock"]),
    ]
    return f"until {' or '.join(limits)}"


def _quantization(recipe: Recipe) -> str:
    return (
        f"Quantization: large matrices to {recipe.quantize.bits} bits with a scale a row, clipped at the "
        f"{CLIP_QUANTILE} quantile of its absolute values; the rest in 16 bits or 32; coded with "
        f"{CODERS[recipe.quantize.codec]}."
    )


def _evaluation(config: EvalConfig) -> str:
    if not config.adapts:
        return "Evaluation: every document in one window of its whole length, without adaptation."
    times = "once" if config.epochs == 1 else f"{config.epochs} times"
    short = f" Documents under {config.min_document_tokens} tokens are not adapted." * bool(config.min_document_tokens)
    return (
        f"Evaluation ({config.protocol}): every document starts from fresh adapters ({', '.join(config.adapters)}). "
        f"Each chunk of {config.chunk} predictions is scored in a window of at most {config.window} positions, and "
        f"only then are the adapters trained on it, {times}.{short}"
    )


def _command(submission: Submission) -> Iterator[str]:
    seeds = " ".join(str(run.seed) for run in submission.runs)
    data = shlex.quote(f"./data/datasets/{submission.tokens}")
    tokenizer = shlex.quote(f"./data/tokenizers/{submission.tokenizer}")
    yield "```sh"
    yield "pip install -r requirements.txt"
    yield f"for seed in {seeds}; do"
    yield f"  DATA_PATH={data} TOKENIZER_PATH={tokenizer} \\"
    yield f"  SEED=$seed RUN_ID=seed$seed torchrun --standalone --nproc_per_node={submission.processes} train_gpt.py"
    yield from ("done", "```", "")
    yield (
        "It trains, quantizes and scores, prints the lines of the logs here, and leaves the artifact as "
        "runs/RUN_ID/final_model.golf. `python train_gpt.py --source DIR` writes out the modules packed in it."
    )
    if submission.recipe.train.max_seconds is not None:
        yield "A training that the clock ends makes more or fewer steps elsewhere, so its score differs a little."


def _seed_table(submission: Submission) -> Iterator[str]:
    yield "| seed | val_bpb | val_loss | steps | train s | eval s | artifact bytes | with code |"
    yield "|---|---|---|---|---|---|---|---|"
    for run in submission.runs:
        cells = (
            *(run.seed, f"{run.bpb:.{DIGITS}f}", f"{run.loss:.{DIGITS}f}", run.result["steps"]),
            *(f"{run.train_seconds:.3f}", f"{run.total.seconds:.3f}", f"{run.sizes.model:,}", f"{run.sizes.total:,}"),
        )
        yield f"| {' | '.join(map(str, cells))} |"
    sizes = submission.largest
    yield ""
    yield (
        f"train_gpt.py has {sizes.code:,} bytes as shipped, the sources packed in it {sizes.source:,}; of "
        f"{LIMIT_BYTES:,} bytes {LIMIT_BYTES - sizes.total:,} are left, "
        f"{LIMIT_BYTES - sizes.model - sizes.source:,} with the sources as they are written."
    )


def _statistics(submission: Submission) -> Iterator[str]:
    text, ci = submission.text, submission.standing["val_bpb_ci95"]
    yield (
        f"Scored on {text.documents:,} documents, {text.tokens:,} tokens (digest {text.data[:16]}), "
        f"{text.bytes:,} bytes (tokenizer {text.tokenizer}); {MARGIN_NATS} nats per token are "
        f"{text.bpb(MARGIN_NATS):.5f} bits per byte here."
    )
    if ci is not None:
        yield f"95 % t interval of the mean over seeds: {ci[0]:.6f} to {ci[1]:.6f}."
    if submission.standing["trials"]:
        yield f"The settings were chosen among {submission.standing['trials']} trials and confirmed on fresh seeds."
    yield ""
    found = tests(submission)
    if not found:
        yield "No test: it is the baseline, nothing came before it, or it has too few seeds."
        return
    yield from ("| test | against | its mean | p |", "|---|---|---|---|")
    for one in found:
        yield f"| {one['test']} | {one['against']} | {one['against_val_bpb']:.6f} | {one['p_value']:.4g} |"
