"""Proving a score by compression: prove."""

from pathlib import Path
from typing import Annotated, Any

import typer

from golf.errors import InputError
from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, JsonOption, SetOption, app, open_to_read, print_json
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal


@app.command()
def prove(
    subject: Annotated[str, typer.Argument(metavar="ENTRY|ARTIFACT", help="SWEEP/ENTRY, or an artifact file.")],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="SHARD", help="More token shards.", show_default=False)
    ] = None,
    documents: Annotated[int, typer.Option("--documents", metavar="N", help="How many documents, from the first.")] = 4,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="SEED", help="Seed to prove (entry: its first; artifact: 0)."),
    ] = None,
    tokens: Annotated[
        list[Path] | None, typer.Option("--tokens", metavar="SHARD", help="Token shards, for an artifact.")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", metavar="MODEL", help="SentencePiece .model, for an artifact.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", metavar="NAME", help="Eval preset when proving an artifact; by default score-first."),
    ] = None,
    set_: SetOption = None,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
    json_: JsonOption = False,
) -> None:
    """Prove a score by compressing documents with its own predictions.

    A new process decompresses them. Exit 1 if the documents come back changed, or if the compressed size differs from
    what the score claims.

    Example: golfsweep prove demo/lora-ttt --documents 3
    """
    from sweeps.submission import prove as proving

    if Path(subject).is_file():
        if not tokens or tokenizer is None:
            raise InputError(f"{subject}: no data; an artifact needs --tokens SHARD and --tokenizer MODEL")
        from sweeps.spec.recipe import configure

        config = configure({"eval": {"preset": preset or "score-first"}}, set_ or ())["eval"]
        claim = proving.claim_artifact(Path(subject), [*tokens, *(more or [])], tokenizer, config, documents, seed or 0)
    else:
        if more or tokens or tokenizer or preset or set_:
            raise InputError(f"{subject}: no such file; an entry has its own data and settings, so name it alone")
        claim = proving.claim_entry(subject, open_to_read(home, db, files), documents, seed)
    proof = _with_bars(claim)
    if json_:
        print_json(proof)
    else:
        _print(proof)
    if not proof["proved"]:
        raise typer.Exit(ExitCode.FAILED)


def _with_bars(claim: Any) -> dict[str, Any]:
    """Prove a claim under two progress bars on stderr."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from sweeps.submission.prove import prove_claim

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f} tokens")
    with Progress(*columns, TimeRemainingColumn(), console=Terminal(stderr=True), transient=True) as progress:
        tasks = {stage: progress.add_task(stage, total=claim.tokens) for stage in ("encode", "decode")}
        return prove_claim(claim, lambda stage, done: progress.update(tasks[stage], completed=done))


def _print(proof: dict[str, Any]) -> None:
    size = f"{proof['documents']} documents, {proof['tokens']} tokens, {proof['text_bytes']} bytes of text"
    bits = (
        f"{proof['bpb']:.5f} bits per byte, claimed {proof['claimed_bpb']:.5f} "
        f"({proof['difference']:+.5f}; {proof['allowed_difference']:.5f} is allowed)"
    )
    seconds = f"{proof['encode_seconds']:.1f} s to encode, {proof['decode_seconds']:.1f} s to decode"
    lengths, own = "; ".join(proof["length_uses"]), proof.get("own_precision")
    console = Terminal()
    for line in (
        f"{proof['name']}, seed {proof['seed']}: {'proved' if proof['proved'] else 'NOT proved'}: {proof['reason']}",
        f"{size} → {proof['compressed_bytes']} bytes, {proof['length_bytes']} of them lengths; {bits}; {seconds}",
        *([f"The lengths are sent first; they decide {lengths}"] if lengths else []),
        *([_describe_own_precision(own)] if own is not None else []),
    ):
        console.print_line(line)


def _describe_own_precision(own: dict[str, Any]) -> str:
    return (
        f"Proved in float32. In {own['precision']} the score is {own['bpb']:.5f} bits per byte, "
        f"{own['difference_bpb']:+.5f} from that; no tolerance above includes this difference"
    )
