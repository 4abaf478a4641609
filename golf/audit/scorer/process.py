"""Run an untrusted scorer in its own process: if it crashes or exits, the audit continues and reports it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from golf.audit.certificate import Condition
from golf.audit.scorer.checked_scorer import RemoteScorer, ScorerError, Tokens
from golf.audit.scorer.server import receive, send
from golf.errors import InputError
from golf.threads import Alarm

SERVER = Path(__file__).with_name("server.py")
IMPORT_SECONDS = 300.0
"""Time limit for importing the scorer, which may load a model."""
MOST_REPLY_BYTES = 2**31
NUMBERS = "biuf"
"""Kinds of dtype that a reply may have; what losses must have is checked by whoever calls."""


class ScorerProcess(RemoteScorer):
    """A scorer MODULE:FUNCTION or FILE.py:FUNCTION of a folder, in a process that ends with the `with` block."""

    def __init__(
        self,
        reference: str,
        *,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start the process and import the scorer in it.

        Args:
            reference: names the scorer.
            python: the interpreter, which needs numpy and nothing of this project.
            environment: the whole environment of the process; this one's by default.
            folder: its working directory; this process's own by default.

        Raises:
            InputError: the reference is malformed, the module or function is missing, or it is not callable.
        """
        module, _, function = reference.partition(":")
        if not module or not function:
            raise InputError(f'scorer "{reference}": expected MODULE:FUNCTION, e.g. my_entry:score')
        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        # The process gets no stdout of ours: replies carry what it prints. It gets its own session, so that its
        # children, which hold the pipes too, end with it.
        try:
            self._process = subprocess.Popen(
                [python, str(SERVER), reference, str(request_read), str(reply_write)],
                pass_fds=(request_read, reply_write),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=None if environment is None else dict(environment),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            for end in (request_read, request_write, reply_read, reply_write):
                os.close(end)
            raise InputError(f"scorer {reference}: {python} does not run here ({error.strerror})") from None
        os.close(request_read)
        os.close(reply_write)
        self._requests, self._replies = os.fdopen(request_write, "wb"), os.fdopen(reply_read, "rb")
        self._take_declaration(reference)

    def _take_declaration(self, reference: str) -> None:
        """Wait until the scorer is imported, and read what it has beside its losses."""
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
        self.ordered_state = bool(header.get("ordered_state"))
        if header.get("distribution"):
            self.distribution = self._distribution
        if header.get("byte_counts"):
            self.byte_counts = self._byte_counts

    def __call__(self, documents: list[Tokens]) -> list[NDArray[Any]]:
        """Score documents in the process; raises its errors and prints what it printed."""
        return self._request({"lengths": [len(document) for document in documents]}, documents)

    def _distribution(self, document: Tokens, position: int) -> NDArray[Any]:
        """The distribution that the scorer declares for a position."""
        return self._request({"lengths": [len(document)], "position": position}, [document])[0]

    def _byte_counts(self, document: Tokens) -> NDArray[Any]:
        """The bytes that the scorer declares for each target."""
        return self._request({"lengths": [len(document)], "bytes": True}, [document])[0]

    def _request(self, request: dict[str, Any], documents: Sequence[Tokens]) -> list[NDArray[Any]]:
        """Send a request and return the arrays of its reply."""
        try:
            send(self._requests, request, np.concatenate([*documents, np.empty(0, np.int64)]).tobytes())
        except (BrokenPipeError, ValueError):
            raise ScorerError("C4", "returns no losses: its process has ended") from None
        header, content = self._receive()
        self.accelerated = bool(header.get("accelerated"))
        if printed := header.get("printed"):
            print(printed, end="")
        if "failure" in header:
            raise _failure(header["failure"])
        return _arrays(header, content)

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
            return receive(self._replies, MOST_REPLY_BYTES)
        except ValueError:
            self._kill()
            raise _no_message() from None
        except EOFError:
            code = self._process.wait()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ScorerError("C4", f"returns no losses: its process ended with {how}") from None


def _arrays(header: Mapping[str, Any], content: bytes) -> list[NDArray[Any]]:
    """The arrays of a reply; the process is not trusted to send any.

    Raises:
        ScorerError: it is no such reply.
    """
    arrays, offset = list[NDArray[Any]](), 0
    try:
        for shape, name in zip(header["shapes"], header["dtypes"], strict=True):
            dtype, size = np.dtype(str(name)), int(np.prod(shape, dtype=np.int64))
            if dtype.kind not in NUMBERS or any(length < 0 for length in shape):
                raise _no_message()
            arrays.append(np.frombuffer(content, dtype, size, offset).reshape(shape))
            offset += size * dtype.itemsize
    except (KeyError, TypeError, ValueError, OverflowError):
        raise _no_message() from None
    return arrays


def _failure(fields: Any) -> ScorerError:
    """The failure that a process reports."""
    if not isinstance(fields, Mapping) or fields.get("condition") not in get_args(Condition):
        return _no_message()
    return ScorerError(fields["condition"], str(fields.get("detail")), int(fields.get("document", -1)))


def _no_message() -> ScorerError:
    return ScorerError("C4", "returns no losses: its process sent something that is no reply")
