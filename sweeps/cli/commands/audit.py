"""Auditing a scorer: audit."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.app import JsonOption, app, print_json
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal


@app.command()
def audit(
    scorer: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="Importable from the current directory.")],
    vocab_size: Annotated[int, typer.Option("--vocab-size", metavar="N", help="Number of token ids.")],
    tokens: Annotated[
        Path | None,
        typer.Option("--tokens", metavar="SHARD", help="Token shard to audit on; by default made-up documents."),
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", metavar="MODEL", help="SentencePiece model, to check the scorer's byte counts."),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", help="Time budget; more time probes more positions.")
    ] = 20.0,
    json_: JsonOption = False,
) -> None:
    """Audit a scorer by what it returns.

    The function takes a list of documents (integer arrays, BOS first) and returns, for each, the loss in nats of every
    token after the first. It may have a method byte_counts(document), the number of bytes that each token counts as.
    Exit 1 if it does not pass.

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
        raise InputError(f"--vocab-size {vocab_size}: --tokenizer {tokenizer} has {pieces.vocab_size} pieces")
    decode = None if pieces is None else pieces.text
    with ScorerProcess(scorer) as process:
        certificate = judge(process, vocab_size=vocab_size, documents=documents, seconds=seconds, decode=decode)
    if json_:
        print_json(certificate.to_json())
    else:
        console = Terminal()
        for line in describe_certificate(certificate.to_json()):
            console.print_line(line)
    if not certificate.passed:
        raise typer.Exit(ExitCode.FAILED)
