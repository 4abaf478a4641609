"""Submitted sweep files: text and digests instead of paths. As a program, it checks one in a process of its own.

    python -m sweeps.spec.submitted < REQUEST > ANSWER

Request: {"file": text, "set": [...], "files": {path: digest}, "more_seeds": n}. Answer: {"problems": [...]},
or what `check` gives.
"""

import json
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from golf.errors import InputError, shown
from jobs.secrets import is_secret_name

if TYPE_CHECKING:
    from sweeps.spec.file import SweepSpec

WHERE = "sweep file"
"""What problems of a file without a path name first."""
MOST_NAME_BYTES = 255
"""Of a file's name, on every file system that is in use."""
CPU_SECONDS, MEMORY_BYTES = 60, 16 * 2**30
"""Of a check; most of the memory is address space that the libraries reserve and never use."""


def read_submitted(text: str, assignments: Iterable[str], files: Mapping[str, str]) -> "SweepSpec":
    """Check a submitted file, and that nothing in it is a path of whoever submitted it.

    Args:
        text: of the sweep file.
        assignments: `--set` values.
        files: files of a script: path as the sweep file names it → digest.

    Raises:
        InputError: everything that is wrong.
    """
    from sweeps.spec.file import parse_with
    from sweeps.spec.reading import parse_toml
    from sweeps.spec.script.resolve import script_paths

    spec = parse_with(parse_toml(text.encode("utf-8", "surrogatepass"), WHERE), assignments, WHERE)
    problems = []
    for key, path in (("data.tokens", spec.data.tokens), ("data.tokenizer", spec.data.tokenizer)):
        if path not in (None, "demo") and not PurePosixPath(str(path)).is_absolute():
            problems.append(
                f"{WHERE}: {key} = {shown(str(path))}: a path on the machine that submits it; every node has to find "
                "the path, so give an absolute one"
            )
    for path in script_paths(spec):
        if not is_inside(path):
            problems.append(f"{WHERE}: {shown(path)}: expected the path of a file that is sent along, without '..'")
        elif path not in files:
            problems.append(f"{WHERE}: {shown(path)}: this file was not sent along; give its digest in files")
    problems += [*_file_problems(files), *_secret_problems(spec)]
    if problems:
        raise InputError(*problems)
    return spec


def _file_problems(files: Iterable[str]) -> Iterator[str]:
    """A line for each file that whoever takes the sweep could not write below a folder of its own."""
    paths = {PurePosixPath(path): path for path in files}
    folders = {folder for path in paths for folder in path.parents}
    for path, name in paths.items():
        if not is_inside(name):
            yield f"files: {shown(name)}: expected the path of a file that is sent along, without '..'"
        elif path in folders:
            yield f"files: {shown(name)}: another file lies in a folder of that name; rename one of them"
        elif any(len(part.encode()) > MOST_NAME_BYTES for part in path.parts):
            yield f"files: {shown(name)}: a name longer than {MOST_NAME_BYTES} bytes; shorten it"


def _secret_problems(spec: "SweepSpec") -> Iterator[str]:
    """A line for each variable of the node that a script asks for and that may hold what is not its author's."""
    from sweeps.spec.script.kind import ScriptKind

    if isinstance(spec.kind, ScriptKind):
        for name in filter(is_secret_name, spec.kind.tables.script.passed):
            yield (
                f"{WHERE}: script.pass: {shown(name)}: by its name it is a secret of the machine that takes the sweep; "
                "a submitted script gets none"
            )


def is_inside(path: str) -> bool:
    """Whether a path stays below the folder that it is relative to."""
    parts = PurePosixPath(path).parts
    return bool(parts) and path.isprintable() and not path.startswith("/") and ".." not in parts


def describe(spec: "SweepSpec") -> dict[str, Any]:
    """What a service needs to know of a file that it cannot read itself."""
    return {
        "name": spec.name,
        "priority": spec.priority,
        "widest": spec.widest(),
        "confirm": list(spec.seeds.confirm),
        "seeds": sorted({*spec.seeds.tune, *spec.seeds.confirm, *spec.seeds.report, *_arm_seeds(spec)}),
    }


def check(text: str, assignments: list[str], files: Mapping[str, str], more_seeds: int = 0) -> dict[str, Any]:
    """What a service needs to know of a file, after as many fresh seeds were added to `seeds.confirm`.

    Raises:
        InputError: everything that is wrong, also with the file that has more seeds.
    """
    facts = describe(read_submitted(text, assignments, files))
    if more_seeds:
        first = max([*facts["seeds"], 0]) + 1  # used nowhere before
        confirm = [*facts["confirm"], *range(first, first + more_seeds)]
        facts = describe(read_submitted(text, [*assignments, f"seeds.confirm={confirm}"], files))
    return facts


def _arm_seeds(spec: "SweepSpec") -> set[int]:
    return {seed for arm in spec.arms for seed in arm.seeds}


def main() -> None:
    """Check the file on stdin, within limits of time and memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.load(sys.stdin)
    try:
        answer = check(request["file"], request["set"], request["files"], request["more_seeds"])
    except InputError as error:
        answer = {"problems": list(error.problems)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
