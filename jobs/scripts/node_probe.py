"""A program for a script's own interpreter: whether it can run the script. It is handed over as text and runs alone.

It reads one JSON document and prints one, behind a mark, since what it imports may print, too. It has to run under any
Python from 3.8 on, with nothing of this project, and executes nothing of the script.
"""

from __future__ import annotations  # what stands in annotations is not evaluated

import importlib.util
import json
import platform
import shutil
import sys


def _syntax_problems(sources: dict[str, str]) -> list[str]:
    problems = []
    for name, text in sources.items():
        try:
            compile(text, name, "exec", dont_inherit=True)
        except SyntaxError as error:
            problems.append(f"{name}, line {error.lineno}: {error.msg}")
        except Exception as error:
            problems.append(f"{name}: {error}")
    return problems


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except Exception:  # a package above it fails to import
        return False


def _torch() -> dict[str, str | None]:
    try:
        import torch
    except Exception as error:
        return {"torch": None, "cuda": None, "device": None, "problem": type(error).__name__}
    device = None
    try:
        if torch.cuda.is_available():
            device = torch.cuda.get_device_name(0)
    except Exception as error:
        return {"torch": torch.__version__, "cuda": torch.version.cuda, "device": None, "problem": str(error)}
    return {"torch": torch.__version__, "cuda": torch.version.cuda, "device": device, "problem": None}


def _main() -> None:
    given = json.loads(sys.stdin.read())
    answer = {
        **_torch(),
        "python": platform.python_version(),
        "syntax": _syntax_problems(given["sources"]),
        "modules": [name for name in given["modules"] if not _is_importable(name)],
        "programs": [name for name in given["programs"] if shutil.which(name) is None],
    }
    print(given["mark"] + json.dumps(answer), flush=True)


_main()
