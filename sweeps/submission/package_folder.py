"""Writing a folder that somebody submits: whole, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from golf.errors import InputError


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder, whole or not at all.

    Raises:
        InputError: it exists and is not empty, or it cannot be made.
    """
    check_free(folder)
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be made ({error.strerror}); name a folder to write to") from None
    try:
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        staging.chmod(0o755)
        os.replace(staging, folder)  # an empty folder gives way
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def check_free(folder: Path) -> None:
    """Check that a folder does not exist yet, or is empty.

    Raises:
        InputError: it exists and is not empty.
    """
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise InputError(f"--out {folder}: exists already; name a new folder, or an empty one")
