"""The files of a script as they are run: read from disk once, patched, and known by their digests from then on."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from golf.errors import InputError, shown
from golf.files import read_regular
from sweeps.spec.checks.problems import Problems
from sweeps.spec.script.sections import ScriptSection

MOST_BYTES = 2**26
"""Of one file; wrapped scripts have megabytes at most."""
PATCH_SECONDS = 60.0
_HUNK = re.compile(r"@@ -\d+(?:,(?P<before>\d+))? \+\d+(?:,(?P<after>\d+))? @@")
UNPATCHED = ""
"""Stands for no patch among patches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A script and the files beside it after a patch, by digest."""

    script: str
    files: Mapping[str, str]
    """Name → digest."""
    num_bytes: int
    """Of all of them together."""

    def to_json(self) -> dict[str, Any]:
        return {"script": self.script, "files": dict(self.files), "bytes": self.num_bytes}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptCode:
    """What a sweep needs to know of its script once its files have been read."""

    versions: Mapping[str, Version]
    """By the path of the patch; the script as it is under ""."""
    runtime: Mapping[str, str | None]
    """The interpreter's Python, torch, CUDA and GPU; empty where it is not on the machine that read the files."""
    names: Mapping[str, str | None]
    """Variables that the script reads → what it takes for one that nobody sets; None where its source does not tell."""

    def to_json(self) -> dict[str, Any]:
        """As a sweep's record keeps it."""
        versions = {patch: version.to_json() for patch, version in self.versions.items()}
        return {"versions": versions, "runtime": dict(self.runtime), "names": dict(self.names)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ScriptCode":
        """Read it back."""
        versions = {
            patch: Version(script=version["script"], files=version["files"], num_bytes=version["bytes"])
            for patch, version in stored["versions"].items()
        }
        return cls(versions=versions, runtime=stored["runtime"], names=stored["names"])


Contents = Mapping[str, bytes]
"""Content by file name, the script's own first."""


def read_versions(section: ScriptSection, patches: Iterable[str], folder: Path = Path()) -> dict[str, Contents]:
    """The files of a script, as they are and after each patch.

    Args:
        section: names the files.
        patches: paths of diffs.
        folder: what all paths are relative to; by default where the command runs.

    Raises:
        InputError: a file is missing or too large, two have one name, or a patch does not apply.
    """
    problems = Problems()
    paths = {"script.file": section.file, **{f"script.files {path}": path for path in section.files}}
    contents: dict[str, bytes] = {}
    for key, path in paths.items():
        name = PurePosixPath(path).name
        if name in contents:
            problems.add([f"{key}: a second file of the name {name}; files lie in one folder beside the script"])
            continue
        content = problems.attempt(read_regular, folder / path, MOST_BYTES, f"expected the file of {key.split()[0]}")
        contents[name] = content or b""
    problems.check()
    versions: dict[str, Contents] = {UNPATCHED: contents}
    for patch in dict.fromkeys(patches):
        patched = problems.attempt(apply_patch, contents, folder / patch)
        versions[patch] = patched or {}
    problems.check()
    return versions


def digest_version(contents: Contents) -> Version:
    """The digests of a script's files."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    script, *rest = digests
    return Version(
        script=digests[script],
        files={name: digests[name] for name in rest},
        num_bytes=sum(len(content) for content in contents.values()),
    )


def apply_patch(contents: Contents, patch: Path) -> Contents:
    """Files after a diff, which names them with any folders before their names.

    Raises:
        InputError: there is no such diff, it changes other files, or it does not apply to these.
    """
    text = read_regular(patch, MOST_BYTES, "expected a diff for script.patch").decode("utf-8", "surrogateescape")
    program = shutil.which("git") or shutil.which("patch")
    if program is None:
        raise InputError(f"{patch}: neither git nor patch is installed here, and one of them applies diffs")
    with tempfile.TemporaryDirectory(prefix="golfsweep-patch-") as place:
        folder = Path(place)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        diff = folder / ".golfsweep.diff"
        diff.write_bytes(_without_folders(text, contents, patch).encode("utf-8", "surrogateescape"))
        if Path(program).name == "git":
            command = [program, "apply", "-p0", "--unidiff-zero", "--whitespace=nowarn", diff.name]
        else:
            command = [program, "--batch", "--forward", "--fuzz=0", "--posix", "-p0", "-i", diff.name]
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": place,
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
            "LC_ALL": "C",
        }
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=PATCH_SECONDS, check=False
        )
        if done.returncode:
            said = " ".join((done.stderr or done.stdout).decode(errors="replace").split())[:300]
            raise InputError(f"{patch}: does not apply to {', '.join(contents)} ({said}); make a new diff")
        after = {name: (folder / name).read_bytes() for name in contents}
    if after == contents:
        raise InputError(f"{patch}: changes nothing in {', '.join(contents)}; expected a diff of the script")
    return after


def _without_folders(text: str, contents: Contents, patch: Path) -> str:
    """The hunks of a diff, with headers that name files without their folders.

    Raises:
        InputError: it changes a file that is none of the script's, or is no diff.
    """
    lines, kept, left = text.splitlines(keepends=True), list[str](), [0, 0]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if any(count > 0 for count in left):
            left[0] -= line[:1] in " -\n"
            left[1] -= line[:1] in " +\n"
            kept.append(line)
        elif hunk := _HUNK.match(line):
            left = [int(hunk["before"] or 1), int(hunk["after"] or 1)]
            kept.append(line)
        elif line.startswith("\\"):  # no newline at the end of the file
            kept.append(line)
        elif line.startswith("--- ") and following.startswith("+++ "):
            name = PurePosixPath(following[4:].split("\t")[0].strip()).name
            if name not in contents:
                raise InputError(f"{patch}: changes {shown(name)}; expected a diff of {', '.join(contents)}")
            kept += [f"--- {name}\n", f"+++ {name}\n"]
    if not kept:
        raise InputError(f"{patch}: not a diff; expected the unified form, as diff -u and git diff write it")
    return "".join(kept)
