"""The files of a submission's folder, README.md among them."""

import json
import shlex
from collections.abc import Iterator

from golf.artifact.body import CODECS
from golf.artifact.packing import CLIP_QUANTILE
from golf.train.config import TrainConfig
from golf.ttt.config import EvalConfig
from sweeps.board.compare import list_differences
from sweeps.board.margin_rules import MARGIN_RULES, written_margin_text
from sweeps.board.rules import LIMIT_BYTES
from sweeps.spec.recipe import Recipe, build_recipe
from sweeps.submission.submission import DIGITS, Submission, describe_recipe, list_tests, log_lines, make_claims
from sweeps.text.escaping import escape, escape_markdown, escape_markdown_code
from sweeps.views.certificates import describe_certificate


def make_files(submission: Submission) -> dict[str, bytes]:
    """File name → content."""
    texts = {f"train_seed{run.seed}.log": log_lines(submission, run) for run in submission.runs}
    texts |= {
        "README.md": _write_readme(submission),
        "requirements.txt": (f"{name}=={version}" for name, version in submission.requirements.items()),
    }
    plain = {"submission.json": make_claims(submission), "certificate.json": submission.certificate}
    files = {name: ("\n".join(lines) + "\n").encode() for name, lines in texts.items()}
    files |= {name: (json.dumps(content, indent=2, allow_nan=False) + "\n").encode() for name, content in plain.items()}
    return files | {"train_gpt.py": submission.script}


def _write_readme(submission: Submission) -> Iterator[str]:
    std = submission.std
    spread = "" if std is None else f" ± {std:.4f} (sample standard deviation)"
    count = f"{len(submission.runs)} seed{'s' if len(submission.runs) > 1 else ''}"
    yield f"# {escape_markdown(submission.name)}: {submission.bpb:.4f} bits per byte"
    yield ""
    source = "every number below is from the logs in this folder"
    yield f"{describe_recipe(submission.recipe)} Mean over {count}{spread}; {source}."
    yield from ("", "## Method", "")
    yield from _describe_method(submission)
    yield from ("", "## Command", "")
    yield from _show_command(submission)
    yield from ("", "## Seeds", "")
    yield from _make_seed_table(submission)
    yield from ("", "## Statistics", "")
    yield from _describe_statistics(submission)
    yield from ("", "## Certificate", "")
    yield "The audit judged the scorer from outside, by what it returns (certificate.json has every probe):"
    yield from ("", "```", *map(escape, describe_certificate(submission.certificate)), "```")
    if submission.standing["findings"]:
        yield from ("", "Findings that the rules let pass:", "")
        yield from (
            f"- {escape_markdown_code(finding['code'])}: {escape_markdown(finding['detail'])}"
            for finding in submission.standing["findings"]
        )


def _describe_method(submission: Submission) -> Iterator[str]:
    recipe = submission.recipe
    yield from (
        _describe_training(submission),
        "",
        _describe_quantization(recipe),
        "",
        _describe_evaluation(recipe.eval),
        "",
    )
    yield "train_gpt.py has all settings as JSON. These differ from golfsweep's defaults:"
    yield from ("", "| setting | here | default |", "|---|---|---|")
    for row in list_differences(recipe.settings(), build_recipe({}, "defaults").settings()):
        here, default = (escape_markdown(json.dumps(row[side])) for side in ("challenger", "incumbent"))
        yield f"| {escape_markdown_code(row['setting'])} | {here} | {default} |"


def _describe_training(submission: Submission) -> str:
    config, run = submission.recipe.train, submission.runs[0]
    model = config.model
    return (
        f"Training: {run.result['parameters']:,} parameters; {model.num_layers} layers of width {model.model_dim}, "
        f"{model.num_heads} query and {model.num_kv_heads} key-value heads, MLP of {model.mlp_hidden}, vocabulary of "
        f"{model.vocab_size:,} with tied embeddings. Muon on the blocks' matrices, AdamW on the rest; "
        f"{config.batch_tokens:,} tokens a step at length {config.seq_len:,}, {_describe_limit(config)}. The weights "
        f"are averaged ({run.result['averaged']}), and the smallest {config.prune:.0%} in large matrices set to zero."
    )


def _describe_limit(config: TrainConfig) -> str:
    limits = [
        *([] if config.steps is None else [f"{config.steps:,} steps"]),
        *([] if config.max_seconds is None else [f"{config.max_seconds:g} s of the training clock"]),
    ]
    return f"until {' or '.join(limits)}"


def _describe_quantization(recipe: Recipe) -> str:
    return (
        f"Quantization: large matrices to {recipe.quantize.bits} bits with one scale for each row, clipped at the "
        f"{CLIP_QUANTILE} quantile of its absolute values; the rest in 16 bits or 32; coded with "
        f"{CODECS[recipe.quantize.codec].words}."
    )


def _describe_evaluation(config: EvalConfig) -> str:
    if not config.adapts:
        return "Evaluation: every document in one window of its whole length, without test-time training."
    times = "once" if config.steps_per_chunk == 1 else f"{config.steps_per_chunk} times"
    counted = "of the pass with the lowest loss" if config.lowest_counts else "of the last pass"
    passes = f" The document is read {config.passes} times, and the scores {counted} count." * (config.passes > 1)
    short = f" Documents under {config.min_document_tokens} tokens get no test-time training." * bool(
        config.min_document_tokens
    )
    return (
        f"Evaluation ({config.protocol}): every document starts from fresh adapters ({', '.join(config.adapters)}). "
        f"Each chunk of {config.chunk} predictions is scored in a window of at most {config.window} positions, and "
        f"only then are the adapters trained on it, {times}.{passes}{short}"
    )


def _show_command(submission: Submission) -> Iterator[str]:
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
        yield "The clock ends the training: another machine makes more or fewer steps and scores a little differently."


def _make_seed_table(submission: Submission) -> Iterator[str]:
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
        f"train_gpt.py has {sizes.code:,} bytes as shipped, the sources packed in it {sizes.source:,}; the headroom of "
        f"{LIMIT_BYTES:,} bytes is {LIMIT_BYTES - sizes.total:,}, or "
        f"{LIMIT_BYTES - sizes.model - sizes.source:,} with the sources as written."
    )


def _describe_statistics(submission: Submission) -> Iterator[str]:
    measured, ci = submission.validation_set, submission.standing["val_bpb_ci95"]
    margin = measured.bpb(MARGIN_RULES["written_rule"].margin_nats)
    yield (
        f"Scored on {measured.documents:,} documents, {measured.tokens:,} tokens (digest {measured.data[:16]}), "
        f"{measured.bytes:,} bytes (tokenizer {escape_markdown(measured.tokenizer)}); {written_margin_text()} are "
        f"{margin:.5f} bits per byte here."
    )
    if ci is not None:
        yield f"95 % t interval of the mean over seeds: {ci[0]:.6f} to {ci[1]:.6f}."
    if submission.standing["trials"]:
        yield f"The settings are the best of {submission.standing['trials']} trials and were confirmed on fresh seeds."
    yield ""
    tests = list_tests(submission)
    if not tests:
        yield "No test: it is the baseline, no record came before it, or it has too few seeds."
        return
    yield from ("| test | against | its mean | p |", "|---|---|---|---|")
    for test in tests:
        against = escape_markdown(test["against"])
        yield f"| {test['test']} | {against} | {test['against_val_bpb']:.6f} | {test['p_value']:.4g} |"
