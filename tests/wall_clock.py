"""A wall clock that a test can set, for the processes that it starts and their children; see tests/wall_clock.c."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class WallClock:
    """Compiled into a folder; `environment` is for processes, `set` changes what all of them read from now on."""

    def __init__(self, folder: Path) -> None:
        """Compile it, with the C compiler that `find_compiler` names."""
        compiler = find_compiler()
        assert compiler is not None, "no C compiler is installed"
        self._library, self._offset = folder / "wall_clock.so", folder / "offset"
        self.set(0)
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", self._library, SOURCE, "-ldl", "-pthread"]
        subprocess.run(command, check=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of processes that read this clock."""
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK_OFFSET": str(self._offset)}

    def set(self, seconds: int) -> None:
        """Set the clock so far ahead of the true time (behind it if negative)."""
        with self._offset.open("r+b" if self._offset.exists() else "wb") as file:  # in place: processes have it mapped
            file.write(seconds.to_bytes(8, "little", signed=True))


def find_compiler() -> str | None:
    """The path of a C compiler."""
    return shutil.which("cc") or shutil.which("gcc")
