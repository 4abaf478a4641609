"""What a script's own interpreter is: its Python, torch, CUDA and GPU, which decide numbers, and what it lacks."""

import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from golf.errors import InputError
from jobs.scripts.environment import node_environment
from jobs.scripts.run import PROBE_SECONDS

_PROBE = (Path(__file__).parent / "node_probe.py").read_text(encoding="utf-8")
_TORCH_SHOWN = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """What a script's numbers depend on beside the script: the machine class of its jobs."""

    python: str
    """Major and minor version."""
    torch: str | None
    """Major and minor version; None if its interpreter has no torch, or one that cannot be imported."""
    cuda: str | None
    device: str | None
    """Name of the first GPU; None without one."""

    def to_json(self) -> dict[str, str | None]:
        """As a job's settings have it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """What an interpreter says of itself."""

    runtime: Runtime
    syntax: tuple[str, ...] = ()
    """Sources that are not its Python, a line each."""
    missing_modules: tuple[str, ...] = ()
    missing_programs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What an interpreter is asked."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """Texts that have to be its Python, by file name."""
    modules: Sequence[str] = ()
    programs: Sequence[str] = ()


def read_runtime(python: str, own: Mapping[str, str], passed: Sequence[str] = ()) -> Runtime:
    """What a script's interpreter is on this machine.

    Args:
        python: the interpreter.
        own: this process's environment.
        passed: names of it that reach the script.

    Raises:
        InputError: it does not exist, does not run, or gives no answer in `PROBE_SECONDS`.
    """
    return probe(python, Question(), script_environment(python, own, passed), None).runtime


def script_environment(python: str, own: Mapping[str, str], passed: Sequence[str]) -> dict[str, str]:
    """What of a node's environment reaches a script and what runs before it; its interpreter's programs come first."""
    clean = node_environment(own, passed)
    folder = Path(python).parent
    if folder.is_absolute():
        clean["PATH"] = f"{folder}:{clean['PATH']}" if clean.get("PATH") else str(folder)
    return clean


def probe(python: str, question: Question, environment: Mapping[str, str], folder: Path | None) -> Probed:
    """Ask a script's interpreter, which runs nothing of the script for that.

    Args:
        python: the interpreter.
        question: what it is asked.
        environment: of the interpreter.
        folder: its working directory, from which it also imports; by default this process's own.

    Raises:
        InputError: it does not exist, does not run, or gives no answer in `PROBE_SECONDS`.
    """
    mark = secrets.token_hex(16)
    given = {
        "mark": mark,
        "sources": dict(question.sources),
        "modules": list(question.modules),
        "programs": list(question.programs),
    }
    try:
        done = subprocess.run(
            [python, "-c", _PROBE],
            input=json.dumps(given),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PROBE_SECONDS,
            env=dict(environment),
            cwd=folder,
            check=False,
        )
    except OSError as error:
        raise InputError(f"script.python: {python} does not run here ({error.strerror}); name an interpreter") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"script.python: {python} gave no answer in {PROBE_SECONDS:.0f} s") from None
    answer = next((line.removeprefix(mark) for line in done.stdout.splitlines() if line.startswith(mark)), None)
    if answer is None:
        last = (done.stderr.strip().splitlines() or ["it printed no error"])[-1][:_TORCH_SHOWN]
        raise InputError(f"script.python: {python} does not run Python (exit code {done.returncode}: {last})")
    return _probed(json.loads(answer))


def _probed(answer: Mapping[str, Any]) -> Probed:
    runtime = Runtime(
        python=_minor(answer["python"]) or "",
        torch=_minor(answer["torch"]),
        cuda=answer["cuda"],
        device=answer["device"],
    )
    return Probed(
        runtime=runtime,
        syntax=tuple(answer["syntax"]),
        missing_modules=tuple(answer["modules"]),
        missing_programs=tuple(answer["programs"]),
    )


def _minor(version: str | None) -> str | None:
    """Major and minor version of a version."""
    return None if version is None else ".".join(version.split("+")[0].split(".")[:2])
