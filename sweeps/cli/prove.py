"""Proof of a score: prove."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golf.errors import InputError
from sweeps.cli.app import HOME, DbOption, DebugOption, FilesOption, HomeOption, JsonOption, SetOption, app, print_json


@app.command()
def prove(
    subject: Annotated[str, typer.Argument(metavar="ROW|ARTIFACT", help="A row as SWEEP/ROW, or an artifact file.")],
    more: Annotated[list[Path] | None, typer.Argument(help="More token shards.", show_default=False)] = None,
    documents: Annotated[int, typer.Option("--documents", help="How many, from the first on.")] = 4,
    seed: Annotated[
        int | None, typer.Option("--seed", help="A row's; its first if left out. Of an artifact's adapters; 0.")
    ] = None,
    tokens: Annotated[list[Path] | None, typer.Option("--tokens", help="Token shards, for an artifact.")] = None,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", help="SentencePiece .model, for an artifact.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="Of an artifact; score-first if left out.")] = None,
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compress documents with a recipe's own predictions, decompress them in a new process, and compare.

    Exit 1 if what comes back differs, or if the bytes are not as many as the score claims.

    Example: golfsweep prove demo/lora-ttt --documents 3
    """
    from sweeps.submission import prove as proving

    if Path(subject).is_file():
        if not tokens or tokenizer is None:
            raise InputError(f"{subject}: an artifact needs --tokens SHARD and --tokenizer MODEL")
        from sweeps.spec.recipe import configure

        config = configure({"eval": {"preset": preset or "score-first"}}, set_ or ())["eval"]
        claim = proving.claim_artifact(Path(subject), [*tokens, *(more or [])], tokenizer, config, documents, seed or 0)
    else:
        if more or tokens or tokenizer or preset or set_:
            raise InputError(f"{subject}: no such file, and a row brings its own data and settings")
        from jobs.workplace import Workplace

        claim = proving.claim_entry(subject, Workplace.open(home, db, files), documents, seed)
    found = _with_bars(claim)
    if json_:
        print_json(found)
    else:
        _print(found)
    if not found["proved"]:
        raise typer.Exit(1)


def _with_bars(claim: Any) -> dict[str, Any]:
    """Prove a claim under two progress bars on stderr."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from sweeps.submission.prove import prove_claim

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f} tokens")
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
        tasks = {stage: progress.add_task(stage, total=claim.tokens) for stage in ("encode", "decode")}
        return prove_claim(claim, lambda stage, done: progress.update(tasks[stage], completed=done))


def _print(found: dict[str, Any]) -> None:
    size = f"{found['documents']} documents, {found['tokens']} tokens, {found['text_bytes']} bytes of text"
    bits = f"{found['bpb']:.5f} bits per byte, claimed {found['claimed_bpb']:.5f} ({found['difference']:+.5f})"
    seconds = f"{found['encode_seconds']:.1f} s to encode, {found['decode_seconds']:.1f} s to decode"
    lengths = "; ".join(found["length_uses"])
    console = Console()
    for line in (
        f"{found['name']}, seed {found['seed']}: {'proved' if found['proved'] else 'NOT proved'}: {found['reason']}",
        f"{size} → {found['compressed_bytes']} bytes; {bits}; {seconds}",
        *([f"Lengths are sent ahead; they decide {lengths}"] if lengths else []),
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
