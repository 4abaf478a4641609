"""Serve a scorer to an audit over two pipes: `python server.py REFERENCE READ WRITE`, run by its path.

It needs the standard library and numpy alone, of Python 3.8 or later: the interpreter may be another than golfsweep's,
and then nothing of golfsweep is importable in it. REFERENCE is MODULE:FUNCTION, importable from the current directory,
or FILE.py:FUNCTION, a file of that directory. A message is a length (8 bytes, little-endian), a JSON header, a length,
and raw numbers; nothing is pickled. What a scorer returns is judged by the audit's process; here it becomes arrays.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import os
import sys
import tempfile
from typing import Any, BinaryIO

import numpy as np

LENGTH_BYTES = 8
MAX_PRINTED = 2000
"""Characters of a scorer's output that one reply passes on."""
PROCESSES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "processes.py")
"""How a process ends with its parent: a file that needs no other one, either."""


class Unusable(Exception):
    """A scorer that cannot be loaded; the message says why."""


class FailedCall(Exception):
    """A call that returned no arrays, as the fields of a finding."""

    def __init__(self, condition: str, detail: str, document: int = -1) -> None:
        super().__init__(detail)
        self.fields = {"condition": condition, "detail": detail, "document": document}


def send(stream: BinaryIO, header: dict[str, Any], content: bytes = b"") -> None:
    """Write one message."""
    for part in (json.dumps(header).encode(), content):
        stream.write(len(part).to_bytes(LENGTH_BYTES, "little"))
        stream.write(part)
    stream.flush()


def receive(stream: BinaryIO, most_bytes: int = 2**40) -> tuple[dict[str, Any], bytes]:
    """Read one message.

    Raises:
        EOFError: the other process has ended.
        ValueError: the data is no message, or has more bytes than are expected at most.
    """
    parts = []
    for _ in range(2):
        length = stream.read(LENGTH_BYTES)
        size = int.from_bytes(length, "little")
        if size > most_bytes:
            raise ValueError(f"{size} bytes are announced; expected at most {most_bytes}")
        part = stream.read(size)
        if len(length) < LENGTH_BYTES or len(part) < size:
            raise EOFError
        parts.append(part)
    header = json.loads(parts[0])
    if not isinstance(header, dict):
        raise ValueError("the header is not a JSON object")
    return header, parts[1]


def load_scorer(reference: str) -> Any:
    """The function of a reference, in this process.

    Raises:
        Unusable: the module or file cannot be loaded, has no such attribute, or the attribute is not callable.
    """
    name, _, function = reference.partition(":")
    is_file = name.endswith(".py")
    kind = "file" if is_file else "module"
    try:
        module = _load_file(name) if is_file else importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = "it is not importable from the current directory" if error.name == name else str(error)
        raise Unusable(f"{kind} {name}: {missing}") from None
    except Exception as error:  # foreign code may raise anything
        raise Unusable(f"{kind} {name}: {type(error).__name__}: {error}") from None
    target = module
    for part in function.split("."):
        if not hasattr(target, part):
            raise Unusable(f"{kind} {name} has no {function}; expected the name of a scorer function in it")
        target = getattr(target, part)
    if not callable(target):
        raise Unusable(f"{reference} is a {type(target).__name__}; expected a function of a list of documents")
    return target


def _load_file(name: str) -> Any:
    """Run a file of the current directory as a module of its own name."""
    module_name = os.path.basename(name)[: -len(".py")]
    spec = importlib.util.spec_from_file_location(module_name, os.path.abspath(name))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and the like look their module up
    spec.loader.exec_module(module)
    return module


def serve(reference: str, requests: BinaryIO, replies: BinaryIO) -> None:
    """Reply to requests until the other process closes the pipe."""
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        try:
            scorer = load_scorer(reference)
        except Unusable as error:
            return send(replies, {"error": str(error)})
        _take_output(printed)  # a module may print while it is loaded
        declared = {name: callable(getattr(scorer, name, None)) for name in ("distribution", "byte_counts")}
        send(replies, {**declared, "ordered_state": bool(getattr(scorer, "ordered_state", False))})
        while True:
            try:
                header, content = receive(requests)
            except EOFError:
                return None
            reply, values = _reply(scorer, _split(content, header["lengths"]), header)
            output = reply.pop("printed", "") + _take_output(printed)
            send(replies, {**reply, "printed": output[:MAX_PRINTED], "accelerated": _uses_accelerator()}, values)


def _split(content: bytes, lengths: list[int]) -> list[Any]:
    """Documents of a request, arrays that the scorer may write to."""
    ends = np.cumsum(lengths)[:-1]
    return [part.copy() for part in np.split(np.frombuffer(content, np.int64), ends)] if lengths else []


def _reply(scorer: Any, documents: list[Any], request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Header and content of the reply to one request."""
    stdout = io.StringIO()
    try:
        with contextlib.redirect_stdout(stdout):
            arrays = _call(scorer, documents, request)
    except FailedCall as failure:
        return {"failure": failure.fields, "printed": stdout.getvalue()}, b""
    header = {"shapes": [array.shape for array in arrays], "dtypes": [array.dtype.str for array in arrays]}
    return {**header, "printed": stdout.getvalue()}, b"".join(array.tobytes() for array in arrays)


def _call(scorer: Any, documents: list[Any], request: dict[str, Any]) -> list[Any]:
    """The arrays that a call returned."""
    passed, copies = list(documents), [document.copy() for document in documents]
    try:
        if "position" in request:
            returned = [scorer.distribution(passed[0], request["position"])]
        elif "bytes" in request:
            returned = [scorer.byte_counts(passed[0])]
        else:
            returned = scorer(passed)
    except BaseException as error:  # sys.exit() in a scorer must not end the audit
        reason = " ".join(str(error).split())[:200]
        raise FailedCall("C4", f"returns no losses: raised {type(error).__name__}: {reason}") from None
    if [id(document) for document in passed] != [id(document) for document in documents]:
        raise FailedCall("nondeterminism", "changes the list of documents passed to it")
    for index, (document, copy) in enumerate(zip(documents, copies)):  # noqa: B905  no strict before Python 3.10
        if not np.array_equal(document, copy):
            raise FailedCall("nondeterminism", "changes the tokens of a document passed to it", index)
    if not isinstance(returned, (list, tuple)):
        raise FailedCall("C4", f"returns {type(returned).__name__}; expected a list with one array per document")
    return [_array(value, index) for index, value in enumerate(returned)]


def _array(returned: Any, index: int) -> Any:
    """What a scorer returned for a document as an array of numbers; a torch tensor is fetched to the host."""
    try:
        if hasattr(returned, "detach"):
            tensor = returned.detach().cpu()
            returned = tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
        array = np.ascontiguousarray(returned)
        array = array.reshape(np.shape(returned))  # a contiguous array has an axis at least
    except Exception as error:  # a foreign object may raise anything when it is converted
        raise FailedCall("C4", f"returns no array: {type(error).__name__}", index) from None
    if array.dtype.kind not in "biuf":
        raise FailedCall("C4", f"returns losses of dtype {array.dtype}; expected floats", index)
    return array.astype(array.dtype.newbyteorder("<"))


def _uses_accelerator() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


def _take_output(file: Any) -> str:
    """Remove and return what child processes and C code wrote to stdout since the last call."""
    sys.stdout.flush()
    os.fsync(1)
    file.seek(0)
    content = file.read().decode(errors="replace")
    file.seek(0)
    file.truncate()
    return str(content)


def _end_with_parent() -> None:
    spec = importlib.util.spec_from_file_location("golf_processes", PROCESSES)
    assert spec is not None and spec.loader is not None
    processes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(processes)
    processes.end_with_parent()


if __name__ == "__main__":
    _end_with_parent()
    here = os.path.dirname(os.path.abspath(__file__))  # its modules have common names
    sys.path[:] = [os.getcwd(), *(path for path in sys.path if os.path.abspath(path) != here)]
    serve(sys.argv[1], os.fdopen(int(sys.argv[2]), "rb"), os.fdopen(int(sys.argv[3]), "wb"))
