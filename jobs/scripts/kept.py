"""Earlier outputs that lie in a script's folder under their own names and stay as they are, whatever it writes there.

With them a script that has no switch for it evaluates a finished artifact: it trains for no step, writes a worthless
artifact, which goes aside, and reads back the kept one.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from golf.files import write_atomically

HOOKS = Path(__file__).parent / "hooks"
TABLE = "GOLFSWEEP_KEPT"
"""The variable that tells a hook which files are kept."""
COMPILERS = ("cc", "gcc", "clang")
OPTIONS = ("-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0")
TRIAL_SECONDS = 60.0
_TRIAL = "import os; open({path!r}, 'wb').write(b'new'); os._exit(0 if open({path!r}, 'rb').read() == b'kept' else 1)"


@dataclass(frozen=True, slots=True)
class _Kept:
    path: Path
    aside: Path
    digest: str
    device: int
    inode: int


class KeptFiles:
    """Kept files of one attempt."""

    def __init__(self, aside: Path, contents: Mapping[Path, bytes]) -> None:
        """Put the files in place.

        Args:
            aside: the folder to which writes go.
            contents: what each file holds, by its path.
        """
        aside.mkdir(parents=True, exist_ok=True)
        self._folder = aside
        self._files = [
            _put(path, content, aside / f"{number}") for number, (path, content) in enumerate(contents.items())
        ]

    def environment(self, python: str, environment: Mapping[str, str]) -> dict[str, str]:
        """Variables that redirect a script's writes, by a Python module and, where it can be built, by a C library.

        Args:
            python: the script's interpreter.
            environment: the script's environment.
        """
        if not self._files:
            return {}
        before = environment.get("PYTHONPATH")
        hooks = {
            TABLE: "\n".join(f"{file.device} {file.inode} {file.aside}" for file in self._files),
            "PYTHONPATH": f"{HOOKS}:{before}" if before else str(HOOKS),
        }
        library = self._folder / "redirect.so"
        if _build(library, environment) and _redirects(library, python, environment):
            before = environment.get("LD_PRELOAD")
            hooks["LD_PRELOAD"] = f"{library}:{before}" if before else str(library)
        return hooks

    def changed(self) -> list[str]:
        """Names of those that are not any more what they were."""
        return [file.path.name for file in self._files if not _is_unchanged(file)]


def _put(path: Path, content: bytes, aside: Path) -> _Kept:
    write_atomically(path, content)
    path.chmod(0o444)
    status = path.stat()
    return _Kept(path, aside, hashlib.sha256(content).hexdigest(), status.st_dev, status.st_ino)


def _is_unchanged(file: _Kept) -> bool:
    try:
        status = file.path.lstat()
        with file.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return False
    return (status.st_dev, status.st_ino, digest) == (file.device, file.inode, file.digest)


def _build(library: Path, environment: Mapping[str, str]) -> bool:
    """Build the C library for this machine."""
    compilers = (shutil.which(name, path=environment.get("PATH")) for name in COMPILERS)
    compiler = next((path for path in compilers if path), None)
    if compiler is None:
        return False
    command = [compiler, *OPTIONS, "-o", str(library), str(HOOKS / "redirect.c"), "-ldl"]
    return _succeeds(command, environment)


def _redirects(library: Path, python: str, environment: Mapping[str, str]) -> bool:
    """Whether the library does its work in a script's interpreter, tried on a file of its own."""
    path = library.with_name("trial")
    file = _put(path, b"kept", library.with_name("trial.aside"))
    table = {TABLE: f"{file.device} {file.inode} {file.aside}", "LD_PRELOAD": str(library)}
    command = [python, "-I", "-S", "-c", _TRIAL.format(path=str(path))]
    return _succeeds(command, {**environment, **table}) and file.aside.exists() and _is_unchanged(file)


def _succeeds(command: list[str], environment: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
