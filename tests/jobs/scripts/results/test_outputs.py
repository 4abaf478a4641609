"""Which outputs of a script that was ended are complete."""

from pathlib import Path

from jobs.scripts.results.outputs import Outputs


def test_of_one_that_was_ended_only_what_nobody_was_writing_to_counts(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path, {"closed": "a", "open": "b", "reopened": "c", "unseen": "d"})
    (tmp_path / "a").write_bytes(b"whole")
    (tmp_path / "c").write_bytes(b"whole")
    with (tmp_path / "b").open("wb", buffering=0) as begun, (tmp_path / "c").open("ab", buffering=0) as again:
        outputs.note_closed()
        begun.write(b"part")
        again.write(b"part")
        outputs.note_closed()
    (tmp_path / "d").write_bytes(b"part")
    assert outputs.read_written(settled=True) == {"closed": b"whole"}
    assert set(outputs.read_written(settled=False)) == {"closed", "open", "reopened", "unseen"}
