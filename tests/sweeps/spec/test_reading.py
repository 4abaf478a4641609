"""Reading a sweep file: whatever the path names is a file of bounded size and depth, or one line."""

import os
from pathlib import Path

import pytest

from golf.errors import InputError
from sweeps.spec.checks.names import is_name
from sweeps.spec.file import load_sweep, parse_sweep

GOOD = 'name = "x"\ndata.tokens = "demo"\nseeds.confirm = [3]\n'


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n").encode()])
def test_a_byte_order_mark_and_line_ends_of_windows_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    assert load_sweep(tmp_path / "x.toml").name == "x"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b'name = "\xe9"', "not UTF-8 text"),
        (b"a = " + b"[" * 10_000, "brackets nested deeper than 20 levels"),
        (b".".join([b"a"] * 499_000) + b" = 1", "nested deeper than 20 levels (line 1)"),
        (b"a = 1\n[x . " + b'"\\"" . ' * 20 + b"x]", "nested deeper than 20 levels (line 2)"),
        (b"x = {" + b"'a'." * 20 + b"b = 1}", "nested deeper than 20 levels (line 1)"),
        (b"a = " + b"9" * 5_000, "a whole number of thousands of digits"),
        (b"a = 1\na = 2", "not TOML: Cannot overwrite a value"),
        (b"#" * 1_000_001, "more than 1,000,000 bytes"),
        (GOOD.encode() + b"recipe.eval.lr = 2026-01-01", "recipe.eval.lr = 2026-01-01: a date or time"),
        (GOOD.encode() + b'[arm]\nname = "a"', "one table instead of a list; write [[arm]], not [arm]"),
        (GOOD.encode() + b"[recipe]\nepochs = 2", "epochs: unknown key; did you mean eval.epochs?"),
    ],
)
def test_what_is_no_sweep_file_is_said_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        load_sweep(path)
    assert words in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert len(error.value.problems[0].splitlines()) == 1


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="not a file; expected a sweep file in TOML"):
            load_sweep(path)


def test_a_negative_zero_makes_no_other_job() -> None:
    file = {"name": "x", "data": {"tokens": "demo"}, "seeds": {"confirm": [3]}}
    recipes = [parse_sweep({**file, "recipe": {"eval": {"weight_decay": zero}}}, "x").recipe for zero in (0.0, -0.0)]
    assert str(recipes[0].eval.weight_decay) == str(recipes[1].eval.weight_decay) == "0.0"


@pytest.mark.parametrize("name", ["a", "lora-ttt", "q and v × 2", "ß" * 64])
def test_a_name_shows_all_that_is_in_it(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " a",
        "a ",
        "a  b",
        "a\nb",
        "a\x1b[31m",
        "a\x9b",
        "a\u202eb",
        "a\u200bb",
        "a\u3164",
        "a\ufe0f",
        "\ud800",
        "a" * 65,
    ],
)
def test_what_does_not_show_is_no_name(name: str) -> None:
    assert not is_name(name)
    file = {"name": "x", "data": {"tokens": "demo"}, "seeds": {"confirm": [3]}, "arm": [{"name": name}]}
    with pytest.raises(InputError):
        parse_sweep(file, "x")


@pytest.mark.parametrize(("words", "hint"), [("epochs=2", "eval.epochs"), ("gpus=2", "train.gpus or eval.gpus")])
def test_an_assignment_without_its_section_names_all_settings_that_end_so(
    tmp_path: Path, words: str, hint: str
) -> None:
    (tmp_path / "x.toml").write_text(GOOD)
    with pytest.raises(InputError, match=f"unknown key; did you mean {hint}\\?"):
        load_sweep(tmp_path / "x.toml", [words])


@pytest.mark.parametrize("name", ["arm", "search.first"])
def test_a_list_of_tables_that_is_written_as_tables_is_told_apart(tmp_path: Path, name: str) -> None:
    path = tmp_path / "some.toml"
    path.write_text(f"[{name}]\nx = 1\n[{name}]\nx = 2\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"twice .*; write \[\[{name}\]\] above each, not \[{name}\]"):
        load_sweep(path)
