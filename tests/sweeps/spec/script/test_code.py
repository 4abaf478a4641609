"""A script's files: patched before anything runs, and known by the digests of what is run."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from golf.errors import InputError
from sweeps.spec.script.code import apply_patch, digest_version, read_versions
from sweeps.spec.script.sections import ScriptSection

OLD = b"a = 1\nb = 2\nc = 3\n"
NEW = b"a = 1\nb = 20\nc = 3\n"
HUNK = "@@ -1,3 +1,3 @@\n a = 1\n-b = 2\n+b = 20\n c = 3\n"


def diff(header: str, hunk: str = HUNK) -> str:
    return header + hunk


@pytest.mark.parametrize(
    "header",
    [
        "--- train_gpt.py\n+++ train_gpt.py\n",
        "--- a/records/x/train_gpt.py\t2026-01-01\n+++ b/records/x/train_gpt.py\t2026-01-02\n",
        "diff --git a/train_gpt.py b/train_gpt.py\nindex 1..2 100644\n--- a/train_gpt.py\n+++ b/train_gpt.py\n",
        "A note before.\n--- old.py\n+++ ../train_gpt.py\n",
    ],
)
def test_a_diff_applies_whatever_folders_its_headers_name(header: str, tmp_path: Path) -> None:
    patch = tmp_path / "p.diff"
    patch.write_text(diff(header))
    contents = {"train_gpt.py": OLD, "lib.py": b"x = 1\n"}
    assert apply_patch(contents, patch) == {"train_gpt.py": NEW, "lib.py": b"x = 1\n"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            diff("--- train_gpt.py\n+++ train_gpt.py\n", HUNK.replace("b = 2\n", "b = 3\n", 1)),
            "does not apply to train_gpt.py",
        ),
        (diff("--- other.py\n+++ other.py\n"), r"changes 'other.py'; expected a diff of train_gpt.py"),
        ("nothing\n", "not a diff; expected the unified form"),
        (
            diff("--- train_gpt.py\n+++ train_gpt.py\n", "@@ -1,1 +1,1 @@\n-a = 1\n+a = 1\n"),
            "changes nothing|does not apply",
        ),
    ],
)
def test_a_diff_that_does_not_fit_is_refused_in_one_line(text: str, expected: str, tmp_path: Path) -> None:
    patch = tmp_path / "p.diff"
    patch.write_text(text)
    with pytest.raises(InputError, match=expected):
        apply_patch({"train_gpt.py": OLD}, patch)


def section(tmp_path: Path, files: Sequence[str] = ()) -> ScriptSection:
    (tmp_path / "train_gpt.py").write_bytes(OLD)
    return ScriptSection(file=str(tmp_path / "train_gpt.py"), files=tuple(str(tmp_path / name) for name in files))


def test_the_digest_of_what_is_run_is_the_identity(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_bytes(b"x = 1\n")
    patch = tmp_path / "p.diff"
    patch.write_text(diff("--- train_gpt.py\n+++ train_gpt.py\n"))
    versions = read_versions(section(tmp_path, ["lib.py"]), [str(patch)])
    plain, patched = (digest_version(versions[name]) for name in ("", str(patch)))
    assert (plain.script, patched.script) == tuple(hashlib.sha256(text).hexdigest() for text in (OLD, NEW))
    assert plain.files == patched.files == {"lib.py": hashlib.sha256(b"x = 1\n").hexdigest()}
    assert (plain.num_bytes, patched.num_bytes) == (len(OLD) + 6, len(NEW) + 6)


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        read_versions(section(tmp_path, ["lib.py", "more.py"]), [])
    assert len(refusal.value.problems) == 2 and "lib.py" in refusal.value.problems[0]


def test_two_files_of_one_name_cannot_lie_beside_one_another(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "train_gpt.py").write_bytes(b"")
    with pytest.raises(InputError, match=r"a second file of the name train_gpt\.py"):
        read_versions(section(tmp_path, ["a/train_gpt.py"]), [])
