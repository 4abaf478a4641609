"""Auditing a scorer: audit."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeps.cli.app import JsonOption, app, print_json
from sweeps.cli.errors import ExitCode
from sweeps.text.terminal import Terminal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from golf.data.tokens import Tokenizer

MAX_CORPUS_BYTES = 64 << 20


@app.command()
def audit(
    scorer: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="Importable from the current directory.")],
    vocab_size: Annotated[int, typer.Option("--vocab-size", metavar="N", help="Number of token ids.")],
    tokens: Annotated[
        Path | None,
        typer.Option("--tokens", metavar="SHARD", help="Token shard to audit on; by default made-up documents."),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option("--corpus", metavar="TEXT", help="UTF-8 text to audit on, documents separated by empty lines."),
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            "--tokenizer", metavar="MODEL", help="SentencePiece model, for a corpus and to check byte counts."
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", help="Time budget; more time probes more positions.")
    ] = 20.0,
    json_: JsonOption = False,
) -> None:
    """Audit a scorer by what it returns.

    The function takes a list of documents (integer arrays, BOS first) and returns, for each, the loss in nats of every
    token after the first. It may have a method byte_counts(document), the number of bytes that each token counts as.
    Without --tokens or --corpus, how it scores text is unknown, and its track is unverified. Exit 1 if it does not
    pass.

    Example: golfsweep audit my_entry:score --vocab-size 1024 --tokens val.bin --seconds 60
    """
    from golf.audit import audit as judge
    from golf.audit.scorer.process import ScorerProcess
    from golf.data.tokens import Tokenizer, read_shard, split_documents
    from golf.errors import InputError
    from sweeps.views.certificates import describe_certificate

    pieces = None if tokenizer is None else Tokenizer(tokenizer)
    documents = None if tokens is None else split_documents(read_shard(tokens))
    if corpus is not None:
        documents = [*(documents or []), *_read_corpus(corpus, pieces)]
    if pieces is not None and pieces.vocab_size != vocab_size:
        raise InputError(f"--vocab-size {vocab_size}: --tokenizer {tokenizer} has {pieces.vocab_size} pieces")
    decode = None if pieces is None else pieces.text
    with ScorerProcess(scorer) as process:

        def restart() -> ScorerProcess:
            process.close()  # two may have no room on one GPU
            return ScorerProcess(scorer)

        certificate = judge(
            process, vocab_size=vocab_size, documents=documents, seconds=seconds, decode=decode, restart=restart
        )
    if json_:
        print_json(certificate.to_json())
    else:
        console = Terminal()
        for line in describe_certificate(certificate.to_json()):
            console.print_line(line)
    if not certificate.passed:
        raise typer.Exit(ExitCode.FAILED)


def _read_corpus(path: Path, pieces: "Tokenizer | None") -> "list[NDArray[np.int64]]":
    """Documents of a text file as tokens, BOS first."""
    import numpy as np

    from golf.data.tokens import BOS
    from golf.errors import InputError
    from golf.files import read_regular

    if pieces is None:
        raise InputError(f"--corpus {path}: needs --tokenizer MODEL")
    try:
        text = read_regular(path, MAX_CORPUS_BYTES, "expected a text file").decode()
    except UnicodeDecodeError as error:
        raise InputError(f"--corpus {path}: byte {error.start} is no UTF-8; expected a text file") from None
    texts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    documents = [np.array([BOS, *pieces.encode(part)], np.int64) for part in texts]
    if not documents:
        raise InputError(f"--corpus {path}: has no text; expected documents separated by empty lines")
    return documents
