"""Run an untrusted scorer in its own process: if it crashes or exits, the audit continues and reports it.

`python -m golf.audit.scorer.process MODULE:FUNCTION READ WRITE` serves a scorer of the current directory over two
pipes. A message is a length (8 bytes, little-endian), a JSON header, a length, and raw numbers; nothing is unpickled.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from golf.audit.scorer.checked_scorer import CheckedScorer, Floats, RemoteScorer, Scorer, ScorerError, Tokens
from golf.errors import InputError
from golf.processes import end_with_parent
from golf.threads import Alarm

LENGTH_BYTES = 8
IMPORT_SECONDS = 300.0
"""Time limit for importing the scorer, which may load a model."""
MAX_PRINTED = 2000
"""Characters of a scorer's output that one reply passes on."""


class ScorerProcess(RemoteScorer):
    """A scorer MODULE:FUNCTION of the current directory, in a process that ends with the `with` block."""

    def __init__(self, reference: str) -> None:
        """Start the process and import the scorer in it.

        Raises:
            InputError: the reference is malformed, the module or function is missing, or it is not callable.
        """
        module, _, function = reference.partition(":")
        if not module or not function:
            raise InputError(f'scorer "{reference}": expected MODULE:FUNCTION, e.g. my_entry:score')
        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        command = [sys.executable, "-m", "golf.audit.scorer.process", reference, str(request_read), str(reply_write)]
        # The process gets no stdout of ours: replies carry what it prints. It gets its own session, so that its
        # children, which hold the pipes too, end with it.
        self._process = subprocess.Popen(
            command,
            pass_fds=(request_read, reply_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(request_read)
        os.close(reply_write)
        self._requests, self._replies = os.fdopen(request_write, "wb"), os.fdopen(reply_read, "rb")
        import_limit = Alarm("import limit", IMPORT_SECONDS, self._kill)
        import_limit.start()
        try:
            header, _ = self._receive()
        except ScorerError as error:
            self.close()
            raise InputError(f"scorer {reference}: {error.detail} while it was imported") from None
        except BaseException:  # Ctrl-C does not reach the process, which has its own session
            self.close()
            raise
        finally:
            import_limit.cancel()
        if "error" in header:
            self.close()
            raise InputError(f"scorer {reference}: {header['error']}")
        self.ordered_state = bool(header["ordered_state"])
        if header["distribution"]:
            self.distribution = self._distribution
        if header["byte_counts"]:
            self.byte_counts = self._byte_counts

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        """Score documents in the process; raises its errors and prints what it printed."""
        lengths = [len(document) for document in documents]
        values = self._request({"lengths": lengths}, documents)
        if values.size != sum(lengths) - len(lengths):
            raise ScorerError("C4", "returns no losses: its process sent a reply of the wrong size")
        return np.split(values, np.cumsum([length - 1 for length in lengths])[:-1])

    def _distribution(self, document: Tokens, position: int) -> Floats:
        """The distribution that the scorer declares for a position."""
        return self._request({"lengths": [len(document)], "position": position}, [document])

    def _byte_counts(self, document: Tokens) -> Floats:
        """The bytes that the scorer declares for each target."""
        return self._request({"lengths": [len(document)], "bytes": True}, [document])

    def _request(self, request: dict[str, Any], documents: Sequence[Tokens]) -> Floats:
        """Send a request and return the numbers of its reply."""
        try:
            send(self._requests, request, np.concatenate([*documents, np.empty(0, np.int64)]).tobytes())
        except (BrokenPipeError, ValueError):
            raise ScorerError("C4", "returns no losses: its process has ended") from None
        header, content = self._receive()
        self.accelerated = bool(header["accelerated"])
        if header["printed"]:
            print(header["printed"], end="")
        if "failure" in header:
            raise ScorerError(**header["failure"])
        return np.frombuffer(content, "<f8")

    def __enter__(self) -> "ScorerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def close(self) -> None:
        """Kill the process and its children."""
        self._kill()
        self._process.wait()
        for stream in (self._requests, self._replies):
            try:
                stream.close()
            except BrokenPipeError:
                continue

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all of them have ended
            os.killpg(self._process.pid, signal.SIGKILL)

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        try:
            return receive(self._replies)
        except (EOFError, ValueError):
            code = self._process.wait()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ScorerError("C4", f"returns no losses: its process ended with {how}") from None


def send(stream: BinaryIO, header: dict[str, Any], content: bytes = b"") -> None:
    """Write one message."""
    for part in (json.dumps(header).encode(), content):
        stream.write(len(part).to_bytes(LENGTH_BYTES, "little"))
        stream.write(part)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Read one message.

    Raises:
        EOFError: the other process has ended.
        ValueError: the data is no message.
    """
    parts = []
    for _ in range(2):
        length = stream.read(LENGTH_BYTES)
        part = stream.read(int.from_bytes(length, "little"))
        if len(length) < LENGTH_BYTES or len(part) < int.from_bytes(length, "little"):
            raise EOFError
        parts.append(part)
    header = json.loads(parts[0])
    if not isinstance(header, dict):
        raise ValueError("the header is not a JSON object")
    return header, parts[1]


def import_scorer(reference: str) -> Scorer:
    """Import the scorer MODULE:FUNCTION.

    Raises:
        InputError: the module cannot be imported, has no such attribute, or the attribute is not callable.
    """
    name, _, function = reference.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = "it is not importable from the current directory" if error.name == name else f"{error}"
        raise InputError(f"module {name}: {missing}") from None
    except Exception as error:  # an untrusted module may raise anything
        raise InputError(f"module {name}: {type(error).__name__}: {error}") from None
    target: Any = module
    for part in function.split("."):
        if not hasattr(target, part):
            raise InputError(f"module {name} has no {function}; expected the name of a scorer function in it")
        target = getattr(target, part)
    if not callable(target):
        raise InputError(f"{reference} is a {type(target).__name__}; expected a function of a list of documents")
    scorer: Scorer = target
    return scorer


def serve(reference: str, requests: BinaryIO, replies: BinaryIO) -> None:
    """Reply to requests until the other process closes the pipe."""
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        try:
            scorer = import_scorer(reference)
        except InputError as error:
            return send(replies, {"error": str(error)})
        _take_output(printed)  # a module may print while it is imported
        checked = CheckedScorer(scorer)
        declared = {"distribution": checked.declares_distribution, "byte_counts": checked.declares_byte_counts}
        send(replies, declared | {"ordered_state": bool(getattr(scorer, "ordered_state", False))})
        while True:
            try:
                header, content = receive(requests)
            except EOFError:
                return
            documents = np.split(np.frombuffer(content, np.int64), np.cumsum(header["lengths"])[:-1])
            reply, values = _reply(checked, documents, header)
            output = checked.printed + _take_output(printed)
            checked.printed = ""
            send(replies, reply | {"printed": output[:MAX_PRINTED], "accelerated": checked.accelerated}, values)


def _reply(scorer: CheckedScorer, documents: Sequence[Tokens], request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Header and numbers of the reply to one request."""
    numbers: Sequence[NDArray[Any]]
    try:
        if "position" in request:
            numbers = [scorer.distribution(documents[0], request["position"])]
        elif "bytes" in request:
            numbers = [scorer.byte_counts(documents[0])]
        else:
            numbers = scorer.score(documents)
    except ScorerError as error:
        failure = {name: getattr(error, name) for name in ("condition", "detail", "document", "position", "measured")}
        return {"failure": failure}, b""
    return {}, np.concatenate([*numbers, np.empty(0)]).astype("<f8").tobytes()


def _take_output(file: BinaryIO) -> str:
    """Remove and return what child processes and C code wrote to stdout since the last call."""
    sys.stdout.flush()
    os.fsync(1)
    file.seek(0)
    content = file.read().decode(errors="replace")
    file.seek(0)
    file.truncate()
    return content


if __name__ == "__main__":
    end_with_parent()
    serve(sys.argv[1], os.fdopen(int(sys.argv[2]), "rb"), os.fdopen(int(sys.argv[3]), "wb"))
