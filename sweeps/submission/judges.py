"""How the commands import, review and show entries, by the way in which a contest is judged."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sweeps.contests.contest import Contest, Judge


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedRecords:
    """What record folders gave."""

    contents: Mapping[str, Mapping[str, Any]]
    """Key of each in the database → what is kept of it."""
    rows: Sequence[Mapping[str, Any]]
    """Their entries, as JSON."""
    lines: Sequence[str]
    """A line for people for each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderReview:
    """The judgment on one record folder."""

    document: Callable[[], Any]
    """As JSON."""
    text: Callable[[], str]
    """As Markdown."""
    passes: bool


class RecordJudge(Protocol):
    """Reads and judges the record folders of a contest."""

    def read(self, folders: Sequence[Path], contest: Contest) -> ImportedRecords:
        """Read all records at or below some folders."""

    def review(self, folder: Path, contest: Contest) -> FolderReview:
        """Judge one record folder."""


class BitsPerByteJudge:
    """Records of Parameter Golf: `sweeps.records`."""

    def read(self, folders: Sequence[Path], contest: Contest) -> ImportedRecords:
        """Read all records at or below some folders."""
        from sweeps.records.entries import to_content, to_entry
        from sweeps.records.judging.findings import judge_record
        from sweeps.records.reading.folder import find_folders, read_folders
        from sweeps.records.record import build_record
        from sweeps.spec.checks.names import MOST_FOLDER_CHARACTERS, check_names

        paths = dict.fromkeys(path.resolve() for given in folders for path in find_folders(given))
        names = (
            os.fsencode(path.name).decode("utf-8", "surrogateescape") for path in paths
        )  # the same in every locale
        check_names(names, "folder", most=MOST_FOLDER_CHARACTERS)
        records = map(build_record, read_folders(list(paths)))
        contents = {record.name: to_content(record, judge_record(record)) for record in records}
        rows = [to_entry(content) for content in contents.values()]
        return ImportedRecords(contents=contents, rows=rows, lines=list(map(self._line, rows)))

    def review(self, folder: Path, contest: Contest) -> FolderReview:
        """Judge one record folder; of a package of golfsweep its certificate, too."""
        from sweeps.records import review
        from sweeps.records.judging.findings import judge_record
        from sweeps.records.reading.folder import read_folder
        from sweeps.records.record import build_record
        from sweeps.submission.package_check import judge_package

        record = build_record(read_folder(folder))
        findings = (*judge_record(record), *judge_package(folder, record))
        return FolderReview(
            document=lambda: review.to_json(record, findings),
            text=lambda: review.to_markdown(record, findings),
            passes=review.passes(findings),
        )

    @staticmethod
    def _line(row: Mapping[str, Any]) -> str:
        score = "no score" if row["val_bpb_mean"] is None else f"{row['val_bpb_mean']:.5f} bpb"
        return f"{row['name']}: {score}, {row['track']}; {_list_codes(row)}"


class TargetJudge:
    """Records of contests with a target: `sweeps.standings`."""

    def read(self, folders: Sequence[Path], contest: Contest) -> ImportedRecords:
        """Read all records at or below some folders."""
        from sweeps.standings.board import Standings
        from sweeps.standings.importing import read_contest_entries

        entries = list(read_contest_entries(folders, contest))
        contents = {entry.key: entry.to_json() for entry in entries}
        rows = Standings(contest, entries).rows()
        return ImportedRecords(contents=contents, rows=rows, lines=list(map(self._line, rows)))

    def review(self, folder: Path, contest: Contest) -> FolderReview:
        """Judge the entries of one record folder."""
        from sweeps.standings import review
        from sweeps.standings.importing import judge_one

        judged = judge_one(folder, contest)
        return FolderReview(
            document=lambda: review.to_json(judged),
            text=lambda: review.to_markdown(judged),
            passes=review.passes(judged),
        )

    @staticmethod
    def _line(row: Mapping[str, Any]) -> str:
        from sweeps.standings.pair import describe_runs, describe_value

        score = (
            "no score"
            if row["mean"] is None
            else f"mean {row['metric']} {row['mean']:.5f} of {describe_runs(row['n'])}"
        )
        passed = {True: "passes the rule", False: "does not pass the rule", None: "too few runs"}[row["rule"]["passed"]]
        return f"{row['name']}: {describe_value(row)}, {score}, {passed}, {row['track']}; {_list_codes(row)}"


JUDGES: Mapping[Judge, RecordJudge] = {"bits-per-byte": BitsPerByteJudge(), "target": TargetJudge()}


def _list_codes(row: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(finding["code"] for finding in row["findings"])) or "no findings"
