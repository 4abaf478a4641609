"""What software runs here: versions of packages, and of the code itself. Nothing slow is imported to say it."""

import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("golf", "jobs", "cluster", "sweeps")


@cache
def versions() -> dict[str, str]:
    """Versions of the packages that decide numbers or behavior; every attempt records them."""
    installed = {"python": platform.python_version()}
    for name in ("golfsweep", "torch", "ray", "optuna", "sentencepiece", "zstandard", "constriction"):
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


@cache
def commit() -> str:
    """The version of the running code: the last commit that changed its sources if they are unchanged since.

    Changed sources: that commit, "+" and a digest of the sources. Outside a checkout: "sources " and the digest.
    """
    root = Path(__file__).parents[2]
    head, changed = _git("log", "-1", "--format=%H", "--", *PACKAGES), _git("status", "--porcelain", "--", *PACKAGES)
    # A checkout of something else, in whose virtual environment this is installed, does not know this file.
    if not head or changed is None or _git("ls-files", "--error-unmatch", __file__) is None:
        return f"sources {_digest(root)}"
    return head if not changed else f"{head}+{_digest(root)[:7]}"  # together as long as the store's column


def _git(*arguments: str) -> str | None:
    """The output of git in the checkout that holds this package; None without a checkout or without git."""
    command = ["git", "-C", str(Path(__file__).parents[2]), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.strip()


def _digest(root: Path) -> str:
    """The first digits of the SHA-256 of all sources."""
    digest = hashlib.sha256()
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]
