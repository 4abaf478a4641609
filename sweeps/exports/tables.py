"""Frames as files: CSV and Parquet."""

from pathlib import Path

import pandas as pd

from jobs.workplace import Workplace
from sweeps.exports.frames import entries_frame, leaderboard_rows, runs_frame, trials_frame
from sweeps.text.escaping import to_csv_field


def write_csv(name: str, place: Workplace, folder: Path) -> None:
    """Write entries.csv, runs.csv and trials.csv; what a spreadsheet would take for a formula is escaped."""
    for title, frame in _frames(name, place).items():
        texts = frame.reset_index()
        for column in map(str, texts.select_dtypes("string").columns):
            texts[column] = texts[column].map(to_csv_field, na_action="ignore")
        texts.to_csv(folder / f"{title}.csv", index=False, lineterminator="\n")


def write_parquet(name: str, place: Workplace, folder: Path) -> None:
    """Write entries.parquet, runs.parquet and trials.parquet."""
    for title, frame in _frames(name, place).items():
        frame.reset_index().to_parquet(folder / f"{title}.parquet", engine="pyarrow", index=False)


def _frames(name: str, place: Workplace) -> dict[str, pd.DataFrame]:
    rows = [row for row in leaderboard_rows(name, place) if row["sweep"] == name]
    return {"entries": entries_frame(rows), "runs": runs_frame(name, place), "trials": trials_frame(name, place)}
