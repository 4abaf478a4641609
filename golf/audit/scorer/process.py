"""A foreign scorer in a process of its own: whatever it does to itself, the audit goes on and says so.

`python -m golf.audit.scorer.process MODULE:FUNCTION READ WRITE` serves one from the current directory over two pipes.
Messages are a length (8 bytes, little-endian), a JSON header, a length, and numbers as they lie in memory; nothing is
unpickled.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from golf.audit.scorer.black_box import BlackBox, Floats, Remote, Scorer, ScorerFault, Tokens
from golf.errors import InputError
from golf.processes import end_with_parent

LENGTH_BYTES = 8
IMPORT_SECONDS = 300.0
"""An import that takes longer (it may load a model) is ended."""
SHOWN = 2000
"""Characters of what a scorer prints that are passed on."""


class ScorerProcess(Remote):
    """A scorer named MODULE:FUNCTION, importable from the current directory; a context that ends its process."""

    def __init__(self, reference: str) -> None:
        """Start it.

        Raises:
            InputError: the reference is malformed, the module or function is missing, or it is not callable.
        """
        module, _, function = reference.partition(":")
        if not module or not function:
            raise InputError(f'scorer "{reference}": expected MODULE:FUNCTION, e.g. my_entry:score')
        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        command = [sys.executable, "-m", "golf.audit.scorer.process", reference, str(request_read), str(reply_write)]
        # Its own stdout is not ours: what it prints comes back in its replies. Its session is, so that its children,
        # which hold the pipes as well, can be ended with it.
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
        overdue = threading.Timer(IMPORT_SECONDS, self._kill)
        overdue.start()
        try:
            header, _ = self._receive()
        except ScorerFault as fault:
            self.close()
            raise InputError(f"scorer {reference}: {fault.detail} while it was imported") from None
        except BaseException:  # the user interrupts what no signal of the terminal reaches
            self.close()
            raise
        finally:
            overdue.cancel()
        if "error" in header:
            self.close()
            raise InputError(f"scorer {reference}: {header['error']}")
        self.ordered_state = bool(header["ordered_state"])
        if header["distribution"]:
            self.distribution = self._distribution
        if header["byte_counts"]:
            self.byte_counts = self._byte_counts

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        """Score documents there; its faults are raised here, and what it printed is printed."""
        lengths = [len(document) for document in documents]
        values = self._ask({"lengths": lengths}, documents)
        if values.size != sum(lengths) - len(lengths):
            raise ScorerFault("C4", "gives no score: its process answered out of turn")
        return np.split(values, np.cumsum([length - 1 for length in lengths])[:-1])

    def _distribution(self, document: Tokens, position: int) -> Floats:
        """The distribution that it offers for an entry."""
        return self._ask({"lengths": [len(document)], "position": position}, [document])

    def _byte_counts(self, document: Tokens) -> Floats:
        """The bytes that it counts for each target."""
        return self._ask({"lengths": [len(document)], "bytes": True}, [document])

    def _ask(self, request: dict[str, Any], documents: Sequence[Tokens]) -> Floats:
        """Send a request, and return the numbers of its answer."""
        try:
            send(self._requests, request, np.concatenate([*documents, np.empty(0, np.int64)]).tobytes())
        except (BrokenPipeError, ValueError):
            raise ScorerFault("C4", "gives no score: its process has ended") from None
        header, content = self._receive()
        self.accelerated = bool(header["accelerated"])
        if header["printed"]:
            print(header["printed"], end="")
        if "fault" in header:
            raise ScorerFault(**header["fault"])
        return np.frombuffer(content, "<f8")

    def __enter__(self) -> "ScorerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the process and its children, whatever they are doing."""
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
            raise ScorerFault("C4", f"gives no score: its process ended with {how}") from None


def send(stream: BinaryIO, header: dict[str, Any], content: bytes = b"") -> None:
    """Write one message."""
    for part in (json.dumps(header).encode(), content):
        stream.write(len(part).to_bytes(LENGTH_BYTES, "little"))
        stream.write(part)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Read one message.

    Raises:
        EOFError: the other side is gone.
        ValueError: what came is no message.
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
        raise ValueError("the header is no object")
    return header, parts[1]


def find(reference: str) -> Scorer:
    """Import a scorer.

    Raises:
        InputError: it cannot be imported, is not there, or is not callable.
    """
    name, _, function = reference.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = "it is not importable from the current directory" if error.name == name else f"{error}"
        raise InputError(f"module {name}: {missing}") from None
    except Exception as error:  # whatever foreign code raises while it is imported
        raise InputError(f"module {name}: {type(error).__name__}: {error}") from None
    found: Any = module
    for part in function.split("."):
        if not hasattr(found, part):
            raise InputError(f"module {name} has no {function}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{reference} is a {type(found).__name__}; a scorer is called with a list of documents")
    scorer: Scorer = found
    return scorer


def serve(reference: str, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until they end."""
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        try:
            scorer = find(reference)
        except InputError as error:
            return send(replies, {"error": str(error)})
        _printed(printed)  # what a module says while it is imported is its own affair
        box = BlackBox(scorer)
        offers = {"distribution": box.offers_distribution, "byte_counts": box.offers_byte_counts}
        send(replies, offers | {"ordered_state": bool(getattr(scorer, "ordered_state", False))})
        while True:
            try:
                header, content = receive(requests)
            except EOFError:
                return
            documents = np.split(np.frombuffer(content, np.int64), np.cumsum(header["lengths"])[:-1])
            answer, values = _answer(box, documents, header)
            printing = box.printed + _printed(printed)
            box.printed = ""
            send(replies, answer | {"printed": printing[:SHOWN], "accelerated": box.accelerated}, values)


def _answer(box: BlackBox, documents: Sequence[Tokens], request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    numbers: Sequence[NDArray[Any]]
    try:
        if "position" in request:
            numbers = [box.distribution(documents[0], request["position"])]
        elif "bytes" in request:
            numbers = [box.byte_counts(documents[0])]
        else:
            numbers = box.score(documents)
    except ScorerFault as fault:
        told = {name: getattr(fault, name) for name in ("condition", "detail", "document", "position", "measured")}
        return {"fault": told}, b""
    return {}, np.concatenate([*numbers, np.empty(0)]).astype("<f8").tobytes()


def _printed(file: BinaryIO) -> str:
    """What came to stdout past Python, since the last look."""
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
