"""Reading record folders: where records are found, and files that mean harm."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from golf.errors import InputError
from sweeps.records import entries, record, review
from sweeps.records.judging import findings
from sweeps.records.reading import claims, fields, files, folder

LOG = "seed:7\nfinal_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.20010000\n"


def test_records_are_found_at_any_depth_and_named_after_their_folder(tmp_path: Path) -> None:
    for name in ("track/a/train.log", "track/b/logs/train0.txt", "c/runs/seed_1/wd_0/train.log", "d/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LOG)
    (tmp_path / "c/submission.json").write_text("{}")
    (tmp_path / "requirements.txt").write_text("torch\n")
    folders = folder.find_folders(tmp_path)
    assert [path.name for path in folders] == ["c", "a", "b"]
    assert list(folder.read_folder(folders[0]).logs) == ["runs/seed_1/wd_0/train.log"]
    assert list(folder.read_folder(folders[2]).logs) == ["logs/train0.txt"]


def test_folders_of_seeds_are_one_record(tmp_path: Path) -> None:
    for seed in (7, 8):
        (tmp_path / f"rec/seed_{seed}").mkdir(parents=True)
        (tmp_path / f"rec/seed_{seed}/train.log").write_text(LOG.replace("seed:7\n", f"run {seed}\n"))
    assert folder.find_folders(tmp_path) == [tmp_path / "rec"]
    assert list(record.build_record(folder.read_folder(tmp_path / "rec")).scores) == ["7", "8"]


def test_a_submission_of_another_name_is_read_if_it_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "submission_one.json").write_text('{"val_bpb": 1.5}')
    assert folder.read_folder(tmp_path).submission is not None
    (tmp_path / "submission_two.json").write_text('{"val_bpb": 1.6}')
    (tmp_path / "train.log").write_text(LOG)
    read = folder.read_folder(tmp_path)
    assert read.submission is None
    assert "several" in read.oddities[0]


def test_a_folder_that_is_no_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see\n")
    for call in (folder.find_folders, folder.read_folder):
        with pytest.raises(InputError, match=f"{tmp_path.name}: no record; expected a submission.json or"):
            call(tmp_path)
        with pytest.raises(InputError, match="no such folder"):
            call(tmp_path / "missing")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 200_000, "nested too deeply|no JSON"),
        (b'{"a":' * 200_000, "nested too deeply|no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b'{"val_bpb": 1.2', "no JSON"),
        (b"[1, 2]", "a JSON list; expected an object"),
        (b'{"val_bpb": ' + b"9" * 5_000 + b"}", "no JSON"),
    ],
)
def test_a_hostile_submission_is_one_clear_oddity(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "submission.json").write_bytes(content)
    (tmp_path / "train.log").write_text(LOG)
    read = folder.read_folder(tmp_path)
    assert (read.submission, list(read.logs)) == (None, ["train.log"])
    (oddity,) = read.oddities
    assert re.fullmatch(rf"submission\.json: ({words}).*", oddity) and len(oddity) < 300


def test_files_that_are_too_large_are_refused_before_they_are_read(tmp_path: Path) -> None:
    for name, limit in (("submission.json", files.MAX_JSON_BYTES), ("train.log", files.MAX_LOG_BYTES)):
        path = tmp_path / name
        with path.open("wb") as stream:
            stream.truncate(limit + 1)
        assert folder.find_folders(tmp_path) == [tmp_path]
        assert folder.read_folder(tmp_path).oddities == (f"{name}: {limit + 1:,} bytes, over {limit:,}; not read",)
        path.unlink()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-mark", "utf-16-be-mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_windows_writes_other_ends_and_encodings(tmp_path: Path, encoding: str, end: str) -> None:
    mark = "\ufeff" if encoding.endswith("-mark") else ""
    for name, text in (("train.log", LOG), ("submission.json", '{"val_bpb":\n1.2001,\n"val_loss": NaN}')):
        encoded = (mark + text.replace("\n", end)).encode(encoding.removesuffix("-mark"))
        (tmp_path / name).write_bytes(encoded)
    made = record.build_record(folder.read_folder(tmp_path))
    assert {seed: str(score) for seed, score in made.scores.items()} == {"7": "1.20010000"}
    assert str(made.claims.headline) == "1.2001" and made.claims.pending == (("val_loss", "NaN"),)


def test_a_folder_that_may_not_be_seen_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("record/train.log", "record/secret/train.log", "other/train.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LOG)
    iterdir = Path.iterdir

    def guarded(path: Path) -> Iterator[Path]:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", guarded)
    assert [path.name for path in folder.find_folders(tmp_path)] == ["other", "record"]
    assert folder.read_folder(tmp_path / "record").oddities == ("secret/: cannot be read (Permission denied)",)


def test_more_files_than_a_record_has_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 2)
    for name in ("a.log", "b.log", "c.log"):
        (tmp_path / name).write_text(LOG)
    assert folder.read_folder(tmp_path).oddities == ("over 2 files; the rest was not read",)


def test_one_endless_line_is_read_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_bytes(b"x" * (3 * files.PIECE_BYTES) + b"\n" + LOG.encode())
    assert str(folder.read_folder(tmp_path).logs["train.log"].scores[0].bpb) == "1.20010000"


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.log"
    secret.write_text(LOG)
    root = tmp_path / "record"
    root.mkdir()
    (root / "submission.json").write_text('{"val_bpb": 1.2}')
    os.symlink(secret, root / "train.log")
    os.symlink(tmp_path, root / "around")
    read = folder.read_folder(root)
    assert read.logs == {}
    assert len(read.oddities) == 2


def test_numbers_of_json_keep_their_digits_and_nan_is_none(tmp_path: Path) -> None:
    (tmp_path / "submission.json").write_text('{"val_bpb": 1.08100, "val_bpb_std": NaN, "val_loss": Infinity}')
    read = claims.read_claims(folder.read_folder(tmp_path).submission or {})
    assert str(read.headline) == "1.08100"
    assert (read.std, read.loss) == (None, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = [*fields.HEADLINE, *fields.LOSS, *fields.STD, *fields.SEED_SCORES, *fields.TOTAL, *fields.TRAIN,
         "seed", "p_value", "date", "n_seeds", "blurb", "comparison_baseline_bpb"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6), st.binary(max_size=120))
@example({"val_bpb": [1e28]}, b"")  # more digits than decimal arithmetic keeps
@example({"seed": 1e300, "n_seeds": -1e-300}, b"")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_claim_and_no_log_raises_anything_but_input_errors(
    tmp_path: Path, submission: dict[str, object], noise: bytes
) -> None:
    (tmp_path / "submission.json").write_text(json.dumps(submission))
    (tmp_path / "train.log").write_bytes(LOG.encode()[:40] + noise + LOG.encode() + noise)
    try:
        made = record.build_record(folder.read_folder(tmp_path))
    except InputError:
        return
    judged = findings.judge_record(made)
    json.dumps(entries.to_entry(entries.to_content(made, judged)), allow_nan=False)
    json.dumps(review.to_json(made, judged), allow_nan=False)
    review.to_markdown(made, judged)
