"""What is checked on a node before a gang of a script starts there: nothing of it is billed until all is in place.

The commands of `setup` run once for each node and set of contents, the interpreter says whether it reads the script and
has what it needs, and the data are looked at. What was found good is remembered beside the set-up's log.
"""

import codecs
import fcntl
import hashlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from golf.errors import InputError, shown
from golf.files import write_atomically
from jobs.machine.digests import digest_folder, digest_of
from jobs.scripts.run import SETUP_SECONDS
from jobs.scripts.runtime import Probed, Question, probe, script_environment
from jobs.scripts.source import read_source

LOG = "setup.log"
_SHOWN = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Preflight:
    """What a script needs of a node."""

    file: str
    """The script's name."""
    python: str
    contents: Mapping[str, bytes]
    """The script, and the files beside it, by name."""
    setup: Sequence[str] = ()
    """Shell commands."""
    needs: Sequence[str] = ()
    """Modules, and programs as "bin:NAME"."""
    passed: Sequence[str] = ()
    """Names of the node's variables that reach the script."""
    ranks: int = 1
    tokens: Path | None = None
    tokenizer: Path | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    """Of `tokens` and `tokenizer`, as the job's key has them; what is not named is not compared."""
    runtime: Mapping[str, str | None] = field(default_factory=dict)
    """The machine class that the job's key names; empty where any will do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeCheck:
    """What came of looking at a node."""

    problems: Sequence[str]
    """What is missing, a line each; the script can start if there is none."""
    runtime: Mapping[str, str | None] = field(default_factory=dict)
    """The interpreter's Python, torch, CUDA and GPU after the set-up; empty where that was not found good."""


def check_node(preflight: Preflight, folder: Path, own: Mapping[str, str]) -> NodeCheck:
    """Prepare this node for a script, and say what is missing.

    Args:
        preflight: what the script needs.
        folder: where set-ups, their logs and what was found good are kept.
        own: this process's environment.
    """
    problems = _data_problems(preflight)
    place = folder / _digest(preflight)
    good = place / "good.json"
    if good.is_file():
        return NodeCheck(problems=problems, runtime=json.loads(good.read_bytes()))
    place.mkdir(parents=True, exist_ok=True)
    with _alone(place / "lock"):
        if good.is_file():  # another gang of this node was first
            return NodeCheck(problems=problems, runtime=json.loads(good.read_bytes()))
        work = place / "files"
        for name, content in preflight.contents.items():
            write_atomically(work / name, content)
        environment = script_environment(preflight.python, own, preflight.passed)
        if problem := _set_up(preflight, work, place / LOG, environment):
            return NodeCheck(problems=[*problems, problem])
        try:
            probed = probe(preflight.python, _question(preflight), environment, work)
        except InputError as error:
            return NodeCheck(problems=[*problems, *error.problems])
        of_node = _node_problems(preflight, probed)
        if of_node:
            return NodeCheck(problems=[*problems, *of_node])
        runtime = probed.runtime.to_json()
        write_atomically(good, json.dumps(runtime).encode())
        return NodeCheck(problems=problems, runtime=runtime)


def _digest(preflight: Preflight) -> str:
    """What this node, since it was started, and what runs on it are called."""
    whole = hashlib.sha256(_node().encode())
    for name in sorted(preflight.contents):
        whole.update(json.dumps([name, hashlib.sha256(preflight.contents[name]).hexdigest()]).encode())
    python = Path(preflight.python)
    written = python.stat().st_mtime_ns if python.exists() else 0
    settings = [
        preflight.python,
        written,
        *(list(part) for part in (preflight.setup, preflight.needs, preflight.passed)),
    ]
    whole.update(json.dumps([*settings, dict(preflight.runtime)], sort_keys=True).encode())
    return whole.hexdigest()[:32]


def _node() -> str:
    """This node's name and start: a pod that is made anew has to be set up anew."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        first = Path("/proc/1").stat().st_ctime_ns  # of this container
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()} {boot} {first}"


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process of a node at a time do what follows."""
    with lock.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _set_up(preflight: Preflight, work: Path, log: Path, environment: Mapping[str, str]) -> str | None:
    """Run the set-up's commands in turn; returns what went wrong."""
    until = time.monotonic() + SETUP_SECONDS
    with log.open("wb") as output:
        for command in preflight.setup:
            output.write(f"$ {command}\n".encode())
            output.flush()
            try:
                process = subprocess.Popen(
                    ["/bin/sh", "-c", command],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment), cwd=work,
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                return f"script.setup: {shown(command)} does not start ({error.strerror})"
            try:
                code = process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                return f"script.setup: over {SETUP_SECONDS:.0f} s in {shown(command)}; its log is {log}"
            if code != 0:
                last = _last_line(log)
                return f"script.setup: {shown(command)} ended with exit code {code} ({last}); its log is {log}"
    return None


def _last_line(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 4096))
        lines = stream.read().decode("utf-8", "replace").split("\n")
    printed = [line.strip() for line in lines if line.strip() and not line.startswith("$ ")]
    return (
        "".join(character for character in printed[-1] if character.isprintable())[:_SHOWN] if printed else "no output"
    )


def _question(preflight: Preflight) -> Question:
    sources = {
        name: content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
        for name, content in preflight.contents.items()
        if name == preflight.file or PurePosixPath(name).suffix == ".py"
    }
    script = preflight.contents[preflight.file]
    beside = {name: content for name, content in preflight.contents.items() if name != preflight.file}
    unpacked = read_source(script, beside, name=preflight.file).unpacked
    sources |= {f"{preflight.file} unpacked {depth}": text for depth, text in enumerate(unpacked, start=1)}
    programs = [need.removeprefix("bin:") for need in preflight.needs if need.startswith("bin:")]
    modules = [need for need in preflight.needs if not need.startswith("bin:")]
    return Question(sources=sources, modules=modules, programs=programs)


def _node_problems(preflight: Preflight, probed: Probed) -> list[str]:
    """What the interpreter lacks."""
    host, python = socket.gethostname(), preflight.python
    problems = [
        f"{line}; {python} is Python {probed.runtime.python}, name another as script.python" for line in probed.syntax
    ]
    problems += [
        f"script.needs: {python} on {host} has no module {name}; install it there, or in script.setup"
        for name in probed.missing_modules
    ]
    problems += [
        f"script.needs: {host} has no program {name} on its PATH; install it there, or in script.setup"
        for name in probed.missing_programs
    ]
    here = probed.runtime.to_json()
    again = "; where script.setup has changed that, run the sweep again" if preflight.setup else ""
    other = "; the sweep's other jobs ran with"
    problems += [
        f"{host} has {name} {here.get(name) or 'none'}{other} {name} {expected or 'none'}{again}"
        for name, expected in preflight.runtime.items()
        if here.get(name) != expected
    ]
    return problems


def _data_problems(preflight: Preflight) -> list[str]:
    """What is missing of the data."""
    problems: list[str] = []
    if preflight.tokenizer is not None and not preflight.tokenizer.is_file():
        problems.append(f"{preflight.tokenizer}: no such file; expected the tokenizer of data.tokenizer")
    if preflight.tokens is None:
        return problems or _other_data(preflight)
    shards = list(preflight.tokens.glob("*_train_*.bin"))
    if not shards:
        problems.append(f"{preflight.tokens}: no *_train_*.bin in it; expected the shards of data.tokens")
    elif len(shards) < preflight.ranks and _gives_each_rank_shards(preflight):
        problems.append(
            f"{preflight.tokens}: {len(shards)} training shards for {preflight.ranks} ranks; in {preflight.file} each "
            f"reads shards of its own; expected at least {preflight.ranks}"
        )
    return problems or _other_data(preflight)


def _other_data(preflight: Preflight) -> list[str]:
    """What of the data is not what the job was ordered for: another node may have other files at the same place."""
    problems: list[str] = []
    for name, place in (("tokens", preflight.tokens), ("tokenizer", preflight.tokenizer)):
        expected = preflight.digests.get(name)
        if place is None or expected is None:
            continue
        digest = digest_folder(place) if name == "tokens" else digest_of([place])
        if digest != expected:
            problems.append(
                f"{place}: data.{name} has digest {digest[:12]}… on {socket.gethostname()}, the job was ordered for "
                f"{expected[:12]}…; put the same files there"
            )
    return problems


def _gives_each_rank_shards(preflight: Preflight) -> bool:
    beside = {name: content for name, content in preflight.contents.items() if name != preflight.file}
    return read_source(preflight.contents[preflight.file], beside, name=preflight.file).shards_per_rank
