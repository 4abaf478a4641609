"""Sweep files: a file that is damaged, or has hostile values, is a sweep or one line for each error."""

import random
from pathlib import Path
from typing import Any

from sweeps.spec.file import load_sweep, parse_sweep
from sweeps.spec.recipe import every_setting
from tests.fuzz.harness import fuzz, is_refused

FILE: dict[str, Any] = {
    "name": "x",
    "data": {"tokens": "demo"},
    "recipe": {"train": {"gpus": 2, "steps": 3}, "eval": {"gpus": 1}},
    "seeds": {"tune": [1, 2], "confirm": [3, 4], "report": [5]},
    "arm": [{"name": "a", "eval": {"preset": "lora-ttt"}, "baseline": True}, {"name": "b", "seeds": [9]}],
    "search": {
        "trials": 4,
        "documents": 8,
        "promote": {"top": 2, "documents": 9},
        "space": {"eval.lr": {"low": 1e-4, "high": 1e-1, "log": True}, "eval.chunk": [128, 256]},
        "first": [{"eval": {"lr": 0.01, "chunk": 128}}],
    },
    "confirm": {"top": 2},
    "audit": {"seconds": 3.0},
    "budget": {"gpu_hours": 4.0},
}
TEXT = Path("tests/tiny.toml").read_bytes()
HOSTILE: list[Any] = [
    0, -1, 1, 2, 3, 7, 257, 2**31, 2**32, 2**63, 10**20, 10**400, -(10**20), 0.0, -0.0, 1e-320, 1e308, float("nan"),
    float("inf"), "", "3", "nan", "demo", "auto", "a\n\x1b[31m\u202e\u200b", "x" * 5000, "\ud800", "\0", True, None, [],
    [[[[]]]], {}, {"low": 1, "high": 0}, {"low": 0, "high": 10**300, "step": 1e-300}, [1, 1], ["q", "q"], [3] * 2000,
]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of nested data with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


def copy_of(value: Any) -> Any:
    """A copy of nested data."""
    if isinstance(value, dict):
        return {name: copy_of(inner) for name, inner in value.items()}
    return [copy_of(inner) for inner in value] if isinstance(value, list) else value


def with_hostile_values(rng: random.Random) -> dict[str, Any]:
    """The file with some values replaced, removed or added."""
    file = copy_of(FILE)
    for _ in range(rng.randint(1, 4)):
        container, key = rng.choice(places(file))
        change = rng.random()
        if change < 0.5:
            container[key] = copy_of(rng.choice(HOSTILE))
        elif change < 0.6:
            del container[key]
        elif change < 0.8 and isinstance(file.get("search"), dict) and isinstance(file["search"].get("space"), dict):
            file["search"]["space"][rng.choice(every_setting())] = copy_of(rng.choice(HOSTILE))
        else:
            section, _, name = rng.choice(every_setting()).partition(".")
            file["recipe"] = {section: nested(name, copy_of(rng.choice(HOSTILE)))}
    return dict(file)


def nested(name: str, value: Any) -> dict[str, Any]:
    """A dotted name as tables."""
    first, _, rest = name.partition(".")
    return {first: nested(rest, value) if rest else value}


def test_hostile_values() -> None:
    def attempt(rng: random.Random) -> None:
        is_refused(lambda: parse_sweep(with_hostile_values(rng), "x.toml"))

    fuzz(attempt, name="sweep files", attempts=100, share=0.5)


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"

    def attempt(rng: random.Random) -> None:
        content = bytearray(TEXT)
        for _ in range(rng.randint(1, 6)):
            start = rng.randrange(len(content))
            end = min(len(content), start + rng.choice((0, 1, 1, 8, 100)))
            content[start:end] = rng.choice(
                (b"", b"[", b"[" * 3000, b"=", b"\xff", b"\0", b'"', b"\r\n", b"9" * 5000, b".")
            )
            if rng.random() < 0.2:
                content[start:start] = content[end : end + 80]
        path.write_bytes(content)
        is_refused(lambda: load_sweep(path))

    fuzz(attempt, name="damaged sweep files", attempts=1750, share=0.5)
