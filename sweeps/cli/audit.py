"""Judging a scorer from outside: audit."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.app import DebugOption, JsonOption, app, print_json


@app.command()
def audit(
    scorer: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="Importable from the current directory.")],
    vocab_size: Annotated[int, typer.Option("--vocab-size", help="Number of token ids.")],
    tokens: Annotated[
        Path | None, typer.Option("--tokens", help="Token shard to judge it on; documents are made up if left out.")
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            "--tokenizer", help="SentencePiece model; byte counts that the scorer offers are held against it."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="Budget; more of it probes more places.")] = 20.0,
    json_: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Judge a scorer by what it returns; exit 1 if it does not pass.

    The function takes a list of documents (integer arrays, BOS first) and returns, for each, the NLL in nats of every
    token after the first. It may have a method byte_counts(document): the bytes that each of them is counted as.

    Example: golfsweep audit my_entry:score --vocab-size 1024 --tokens val.bin --seconds 60
    """
    from golf.audit import audit as judge
    from golf.audit.scorer.process import ScorerProcess
    from golf.data.tokens import Tokenizer, read_shard, split_documents
    from golf.errors import InputError
    from sweeps.views.certificates import describe_certificate

    documents = None if tokens is None else split_documents(read_shard(tokens))
    pieces = None if tokenizer is None else Tokenizer(tokenizer)
    if pieces is not None and pieces.vocab_size != vocab_size:
        raise InputError(f"--tokenizer {tokenizer}: has {pieces.vocab_size} pieces; --vocab-size is {vocab_size}")
    decode = None if pieces is None else pieces.text
    with ScorerProcess(scorer) as process:
        certificate = judge(process, vocab_size=vocab_size, documents=documents, seconds=seconds, decode=decode)
    if json_:
        print_json(certificate.to_json())
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in describe_certificate(certificate.to_json()):
            console.print(line, markup=False)
    if not certificate.passed:
        raise typer.Exit(1)
