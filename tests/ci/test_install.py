"""make install: the real Makefile, in a copy of a project without dependencies, from an index that is a folder."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = """
[project]
name = "golfsweep"
version = "0.0.1"
scripts = {golfsweep = "golfsweep:main"}
optional-dependencies = {dev = []}

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
BACKEND = """
import zipfile
def wheel(folder, name, files=()):
    path = f"{name}-0.0.1-py3-none-any.whl"
    about = f"{name}-0.0.1.dist-info"
    with zipfile.ZipFile(f"{folder}/{path}", "w") as archive:
        facts = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 0.0.1\\nProvides-Extra: dev\\n"
        archive.writestr(f"{about}/METADATA", facts)
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{about}/entry_points.txt", f"[console_scripts]\\n{name} = {name}:main\\n")
        archive.writestr(f"{about}/RECORD", "")
        archive.writestr(f"{name}.py", "main = print\\n")
    return path
def build_editable(folder, settings=None, metadata=None):
    return wheel(folder, "golfsweep")
"""
UNREACHABLE = {"PIP_INDEX_URL": "http://me:secret@127.0.0.1:9/simple", "PIP_NO_INDEX": "0", "PIP_RETRIES": "0"}

WHEELS = tempfile.TemporaryDirectory(prefix="golfsweep-wheels-", dir="/tmp")
"""The index; pip takes no path with a space for one."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with our Makefile and a filled .venv."""
    root = tmp_path_factory.mktemp("it's a project")
    for name in ("Makefile", ".ci/install"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "constraints.txt").write_text("torch==0.0.1\n")
    (root / "backend.py").write_text(BACKEND)
    scope: dict[str, Callable[..., str]] = {}
    exec(BACKEND, scope)
    scope["wheel"](WHEELS.name, "torch")
    done = make(root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return root


@pytest.fixture(scope="module")
def quick_python(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose `-m venv` copies a finished one: to make one takes several seconds."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(project / ".venv", folder / "venv", symlinks=True)
    (folder / "venv/installed").unlink()
    (folder / "venv/made").touch()
    script = f'[ "$1 $2" = "-m venv" ] && exec cp -a {folder}/venv "$3"\nexec {sys.executable} "$@"'
    return fake_python(folder, script) / "python3"


def make(root: Path, *words: str, path: Path | None = None, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run make install without any of this machine's settings of pip."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS.name}
    environment["PATH"] = os.pathsep.join([*([] if path is None else [str(path)]), environment["PATH"]])
    given = words or (f"PYTHON={sys.executable}",)
    command = ["make", "--no-print-directory", "install", *given]
    return subprocess.run(command, cwd=root, env=environment | variables, capture_output=True, text=True, timeout=120)


def line(done: "subprocess.CompletedProcess[str]") -> str:
    """The line that a failed installation printed, beside make's own."""
    assert (done.returncode, done.stdout) == (2, "")
    first, own = done.stderr.splitlines()
    assert own.startswith("make: ***")
    return first


def fake_python(folder: Path, script: str) -> Path:
    """A program of the name python3."""
    folder.mkdir(exist_ok=True)
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder


def runs(project: Path) -> bool:
    done = subprocess.run([project / ".venv/bin/golfsweep"], capture_output=True)
    return done.returncode == 0


def test_where_all_is_there_nothing_happens(project: Path) -> None:
    before = (project / ".venv/installed").stat().st_mtime_ns
    done = make(project, **UNREACHABLE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (project / ".venv/installed").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 3.9.18", "python3 is Python 3.9.18"),
        ("echo 3.10.2", "python3 is Python 3.10.2"),
        ("exit 1", "python3: does not start"),
    ],
)
def test_a_python_that_cannot_do_is_named_with_the_version_needed(tmp_path: Path, script: str, problem: str) -> None:
    for name in ("Makefile", ".ci/install"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    done = make(tmp_path, "PYTHON=python3", path=fake_python(tmp_path / "bin", script))
    needed = "Python 3.11 or later is needed, e.g. make install PYTHON=python3.11"
    assert line(done) == f"make install: {problem}; {needed}"
    assert not (tmp_path / ".venv").exists()
    assert line(make(tmp_path, "PYTHON=python3.99")) == f"make install: python3.99: not found; {needed}"


def empty(venv: Path) -> None:
    shutil.rmtree(venv)
    venv.mkdir()


def without_interpreter(venv: Path) -> None:
    for link in venv.glob("bin/python*"):
        link.unlink()
        link.symlink_to("/nowhere/python3.11")


def without_pip(venv: Path) -> None:
    for folder in venv.glob("lib/*/site-packages/pip"):
        shutil.rmtree(folder)


def of_another_python(venv: Path) -> None:
    for link in venv.glob("bin/python*"):
        link.unlink()
    fake_python(venv / "bin", "echo 3.9.18; exit 1").joinpath("python3").rename(venv / "bin/python")


def interrupted(venv: Path) -> None:
    (venv / "installed").unlink()
    (venv / "installing").touch()
    for file in venv.glob("lib/*/site-packages/golfsweep.py"):  # looks installed, and lacks a file
        file.unlink()


@pytest.mark.parametrize("poison", [empty, without_interpreter, without_pip, of_another_python, interrupted])
def test_a_venv_that_cannot_work_is_made_anew(
    project: Path, quick_python: Path, poison: Callable[[Path], None]
) -> None:
    (project / ".venv/made").unlink(missing_ok=True)
    poison(project / ".venv")
    done = make(project, f"PYTHON={quick_python}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (project / ".venv/made").exists()
    assert runs(project)
    assert not (project / ".venv/installing").exists()


def test_without_a_network_the_network_is_named_and_no_password(project: Path) -> None:
    (project / ".venv/installed").unlink()
    shutil.rmtree(next(project.glob(".venv/lib/*/site-packages/torch-0.0.1.dist-info")))
    done = make(project, **{**UNREACHABLE, "PIP_FIND_LINKS": ""})
    index = "the package index http://***@127.0.0.1:9/simple does not answer (Connection refused)"
    assert line(done) == f"make install: no network: {index}; check the connection, then run make install again"
    assert make(project).returncode == 0
    assert runs(project)
