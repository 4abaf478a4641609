"""Kept files stay as they are, whichever way a script's own code or a program that it starts writes to them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.scripts.kept import TABLE, KeptFiles

PYTHON = """
import lzma, os, pathlib, shutil
import numpy as np, torch
from safetensors.torch import save_file

NEW = {"a": torch.zeros(3)}


def put(name, content=b"new"):
    with open(name, "wb") as stream:
        stream.write(content)


def write(mode):
    with open("a.pt", mode) as stream:
        stream.write(b"new")


def by_descriptor(flags):
    descriptor = os.open("a.pt", flags)
    os.write(descriptor, b"new")
    os.close(descriptor)


class Accessor:  # as in pathlib of Python 3.10 and earlier
    replace, unlink = os.replace, os.unlink


def memory_map():
    np.memmap("a.pt", dtype="u1", mode="r+")[0] = 5


def lzma_file():
    with lzma.open("a.pt", "wb") as stream:
        stream.write(b"new")


WAYS = {
    "open": lambda: write("wb"),
    "change": lambda: write("r+b"),
    "append": lambda: write("ab"),
    "Path": lambda: pathlib.Path("a.pt").write_bytes(b"new"),
    "another spelling": lambda: put("./logs/../a.pt"),
    "os.open": lambda: by_descriptor(os.O_WRONLY | os.O_TRUNC | os.O_CREAT),
    "os.open to change": lambda: by_descriptor(os.O_RDWR),
    "torch.save": lambda: torch.save(NEW, "a.pt"),
    "torch.save of a whole path": lambda: torch.save(NEW, f=pathlib.Path("a.pt").resolve()),
    "torch.save of old": lambda: torch.save(NEW, "a.pt", _use_new_zipfile_serialization=False),
    "safetensors": lambda: save_file(NEW, "a.pt"),
    "numpy": lambda: np.zeros(3).tofile("a.pt"),
    "memory map": memory_map,
    "lzma": lzma_file,
    "replace": lambda: (put("tmp"), os.replace("tmp", "a.pt")),
    "Path.rename": lambda: (put("tmp"), pathlib.Path("tmp").rename("a.pt")),
    "move": lambda: (put("tmp"), shutil.move("tmp", "a.pt")),
    "copy": lambda: (put("tmp"), shutil.copy("tmp", "a.pt")),
    "remove": lambda: os.remove("a.pt"),
    "Path.unlink": lambda: pathlib.Path("a.pt").unlink(),
    "a function in a class": lambda: (put("tmp"), Accessor().replace("tmp", "a.pt"), Accessor().unlink("a.pt")),
    "truncate": lambda: os.truncate("a.pt", 0),
    "symbolic link": lambda: (os.symlink("a.pt", "link"), put("link")),
    "hard link": lambda: (os.link("a.pt", "hard"), put("hard")),
    "move away": lambda: (os.rename("a.pt", "away.pt"), put("a.pt")),
    "link in its place": lambda: (put("other"), os.unlink("a.pt"), os.symlink("other", "a.pt")),
}
"""
PROGRAMS = """
import subprocess, sys

ISOLATED = [sys.executable, "-I", "-c", "open('a.pt', 'wb').write(b'new')"]
WAYS = {
    "shell": "echo new > a.pt",
    "mv": "echo new > tmp; mv -f tmp a.pt",
    "cp": "echo new > tmp; cp tmp a.pt",
    "rm": "rm -f a.pt",
    "dd": "dd if=/dev/zero of=a.pt bs=3 count=1 2> dd.txt",
    "isolated Python": ISOLATED,
}
WAYS = {name: lambda way=way: subprocess.run(way, shell=isinstance(way, str), check=True) for name, way in WAYS.items()}
"""
TRY_ALL = """
import json, os

os.makedirs("logs", exist_ok=True)
changed = []
for name, way in WAYS.items():
    way()
    with open("a.pt", "rb") as stream:
        if stream.read() != b"kept content" or os.path.getsize("a.pt") != 12:
            changed.append(name)
            break
with open("changed.json", "w") as stream:
    json.dump(changed, stream)
"""


def run(folder: Path, source: str, *, compiler: bool = True, **variables: str) -> KeptFiles:
    """Run a script beside a kept file."""
    place = folder / "run"
    place.mkdir()
    kept = KeptFiles(folder / "aside", {place / "a.pt": b"kept content"})
    node = {"PATH": os.environ["PATH"], **variables}
    hooks = kept.environment(sys.executable, node if compiler else {**node, "PATH": str(folder)})
    assert ("LD_PRELOAD" in hooks) == compiler
    (place / "script.py").write_text(source)
    subprocess.run([sys.executable, "script.py"], cwd=place, env={**node, **hooks}, check=True)
    return kept


@pytest.mark.parametrize("compiler", [True, False], ids=["library", "Python alone"])
def test_what_python_code_writes_goes_aside_and_what_it_reads_is_kept(tmp_path: Path, compiler: bool) -> None:
    kept = run(tmp_path, PYTHON + TRY_ALL, compiler=compiler)
    assert json.loads((tmp_path / "run" / "changed.json").read_text()) == []
    assert kept.changed() == []


def test_what_programs_write_goes_aside(tmp_path: Path) -> None:
    kept = run(tmp_path, PROGRAMS + TRY_ALL)
    assert json.loads((tmp_path / "run" / "changed.json").read_text()) == []
    assert kept.changed() == []


def test_without_a_compiler_what_a_program_changes_is_noticed(tmp_path: Path) -> None:
    assert run(tmp_path, "import os; os.system('echo new > a.pt')", compiler=False).changed() == ["a.pt"]


@pytest.mark.parametrize(
    "change",
    [
        "chmod u+w a.pt; echo new > a.pt",
        "rm a.pt",
        "cp a.pt b; mv b a.pt",
    ],
    ids=["changed", "removed", "replaced"],
)
def test_a_change_by_whom_it_cannot_redirect_is_noticed(tmp_path: Path, change: str) -> None:
    source = f"import subprocess; subprocess.run({change!r}, shell=True, env={{'PATH': '/usr/bin:/bin'}})"
    assert run(tmp_path, source).changed() == ["a.pt"]


def test_a_sitecustomize_of_the_machine_is_still_imported(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins\nbuiltins.OWN = __file__\n")
    source = "import sys\nopen('a.pt', 'wb').write(b'new')\nopen('own', 'w').write(f'{OWN} {sys.path[1]}')\n"
    kept = run(tmp_path, source, compiler=False, PYTHONPATH=str(own))
    assert (tmp_path / "run" / "own").read_text() == f"{own / 'sitecustomize.py'} {own}"
    assert kept.changed() == []


def test_a_library_that_is_loaded_already_stays(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "aside", {tmp_path / "a.pt": b"kept content"})
    hooks = kept.environment(sys.executable, {"PATH": os.environ["PATH"], "LD_PRELOAD": "libm.so.6"})
    assert hooks["LD_PRELOAD"].endswith("redirect.so:libm.so.6")


def test_without_kept_files_nothing_is_loaded_into_a_script(tmp_path: Path) -> None:
    assert KeptFiles(tmp_path, {}).environment(sys.executable, {"PATH": os.environ["PATH"]}) == {}
    assert TABLE not in os.environ
