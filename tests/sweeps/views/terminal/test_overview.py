"""The end of `run` and `leaderboard`: exact screens, nothing wider than the terminal, no number cut, every state."""

import io
import re
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from sweeps.text.terminal import Terminal
from sweeps.views.terminal.entries.score_columns import score_columns
from sweeps.views.terminal.overview import LINES, Overview
from sweeps.views.terminal.read_overview import beaten_score
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.spending import Spent, SweepProgress
from sweeps.views.verdicts.verdict import judge_sweep
from tests.sweeps.made_up_rows import DEMO, LEAK, Row, claim, row

WORDS = CommandWords(sweep="demo")
HEAD = ["demo", "done in 4m48s", "69 jobs", "0.15 core-hours", "$0.0075"]


def overview(rows: Any, baseline: str | None = "lora-ttt", **changes: Any) -> Overview:
    progress = changes.pop("progress", SweepProgress())
    spent = Spent(slot_hours=0.15, dollars=0.0075, unit="core", jobs=69)
    verdict = judge_sweep("demo", rows, baseline=baseline, spent=spent, progress=progress, commands=WORDS)
    columns = partial(score_columns, baseline=baseline, score=beaten_score(verdict))
    facts: dict[str, Any] = {"choose_columns": columns, "commands": WORDS, "head": HEAD}
    facts |= {"verdict": verdict, "rows": rows}
    return Overview(**facts | changes)


def lines(rows: Any, width: int = 80, only_ascii: bool = False, **changes: Any) -> list[str]:
    return [line.plain for line in overview(rows, **changes).lay_out(width, only_ascii=only_ascii)]


AT_80 = """\
demo · done in 4m48s · 69 jobs · 0.15 core-hours · $0.0075

Best     trial 20 · 1.8050 bpb · 6.95 mBPB better than lora-ttt (baseline)
Record   NOT SHOWN · p = 0.013, the rule needs p < 0.01 at a 0.005-nat margin
Caution  BEST OF 24 · luck alone explains 2.58 mBPB; p = 0.089 over 7 settings
Legal    PASSED · 3 of 3 seeds audited; not timed on contest hardware
Next     1 to 23 more seeds each, $0.0009 to $0.02
         golfsweep compare trial-20 lora-ttt

#  entry           val_bpb    ± std  1.796       95% CI       1.833      mBPB  n
1  trial 20         1.8050  ±0.0035  ├──────●──────┤                    -6.95  3
2  lora-ttt         1.8120  ±0.0029         ├────●─────┤             baseline  3
3  sliding-window   1.8231  ±0.0040               ├───────●───────┤    +11.14  3

Flagged (never ranked)
!  chimera-611       1.3765  the score depends on tokens not yet read (C1-C4)
!  klora-minnll-614  1.4707  too many bytes

Fits     YES · 0.55 of 16 MB · train 14 of 600 s · eval 12 of 600 s (worst seed)
Details  golfsweep show demo/trial-20 · Report  golfsweep open demo"""
AT_40 = """\
demo · done in 4m48s · 69 jobs
0.15 core-hours · $0.0075

Best     trial 20 · 1.8050 bpb · 6.95
  mBPB better than lora-ttt (baseline)
Record   NOT SHOWN · p = 0.013, the rule
  needs p < 0.01 at a 0.005-nat margin
Caution  BEST OF 24 · luck alone
  explains 2.58 mBPB; p = 0.089 over 7
  settings
Legal    PASSED · 3 of 3 seeds audited;
  not timed on contest hardware
Next     1 to 23 more seeds each,
  $0.0009 to $0.02
  golfsweep compare trial-20 lora-ttt

#  entry           val_bpb      mBPB
1  trial 20         1.8050     -6.95
2  lora-ttt         1.8120  baseline
3  sliding-window   1.8231    +11.14

Flagged (never ranked)
!  chi…-611  1.3765  the score depends
   on tokens not yet read (C1-C4)
!  klo…-614  1.4707  too many bytes

Fits     YES · 0.55 of 16 MB · train 14
  of 600 s · eval 12 of 600 s (worst
  seed)
Details  golfsweep show demo/trial-20
Report   golfsweep open demo"""
TABLE_AT_120 = """\
#  entry           val_bpb    ± std  1.796       95% CI      1.833      mBPB  n      p      seeds    MB  train s  eval s
1  trial 20         1.8050  ±0.0035  ├──────●─────┤                    -6.95  3  0.084  2024-2026  0.55       14      12
2  lora-ttt         1.8120  ±0.0029        ├─────●─────┤            baseline  3      –  2024-2026  0.55       14      12
3  sliding-window   1.8231  ±0.0040               ├──────●───────┤    +11.14  3  0.998  2024-2026  0.55       14      12
"""
TABLE_IN_ASCII = """\
#  entry           val_bpb    +/- std  1.796      95% CI      1.833      mBPB  n
1  trial 20         1.8050  +/-0.0035  +-----o------+                   -6.95  3
2  lora-ttt         1.8120  +/-0.0029        +-----o----+            baseline  3
3  sliding-window   1.8231  +/-0.0040              +-------o------+    +11.14  3"""


def test_the_screen_at_80_columns() -> None:
    assert "\n".join(lines(DEMO)) == AT_80
    assert len(lines(DEMO)) <= LINES


def test_at_40_columns_lines_are_broken_and_columns_left_out_whole() -> None:
    assert "\n".join(lines(DEMO, 40)) == AT_40


def test_at_120_columns_the_table_has_tests_bytes_and_times_and_beyond_nothing_is_stretched() -> None:
    assert TABLE_AT_120 in "\n".join(lines(DEMO, 120))
    assert lines(DEMO, 120) == lines(DEMO, 200)


def test_in_ascii_the_bars_are_ascii_and_as_wide() -> None:
    text = "\n".join(lines(DEMO, only_ascii=True))
    assert text.isascii()
    assert TABLE_IN_ASCII in text
    assert "demo | done in 4m48s | 69 jobs" in text


NAMES = st.one_of(
    st.sampled_from(["base", "trial 7", "a-name-of-exactly-forty-characters-long!", "x" * 90, "名前" * 20, "\x1b[31m"]),
    st.text(max_size=50).filter(str.strip),
)
SCORES = st.floats(0.5, 3.0)


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    rows = []
    for rank in range(1, draw(st.integers(0, 34)) + 1):
        claims = claim(p=draw(st.sampled_from([0.0001, 0.02, 0.9]))) if draw(st.booleans()) else {}
        facts = {
            "rank": rank,
            "track": draw(st.sampled_from(["legal", "flagged", "unverified"])),
            "source": draw(st.sampled_from(["golfsweep", "import"])),
            "findings": draw(st.sampled_from([[], LEAK])),
            "bytes_total": draw(st.one_of(st.none(), st.integers(1, 17_000_000))),
        }
        half = draw(st.one_of(st.none(), st.floats(0.0001, 0.5)))
        rows.append(row(draw(NAMES), draw(SCORES), half, **facts, **claims))
    return sorted(rows, key=lambda each: (each["track"] != "legal", each["val_bpb_mean"]))


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(40, 220), st.booleans())
def test_no_line_is_wider_than_the_terminal_and_no_score_is_cut(rows: list[Row], width: int, only_ascii: bool) -> None:
    shown = lines(rows, width, only_ascii)
    assert all(cell_len(line) <= width for line in shown), max(shown, key=cell_len)
    known = {f"{each['val_bpb_mean']:.4f}" for each in rows}
    heading = next((at for at, line in enumerate(shown) if line.startswith("#  entry")), None)
    for line in shown[heading + 1 :] if heading is not None else ():
        if not re.match(r" ?\d+  ", line):
            break
        # A name may hold digits, too: it is the number after it that must be whole.
        assert set(re.findall(r"(?<![\d.])\d\.\d{4}(?!\d)", line)) & known, line


def test_thirty_entries_and_the_number_of_the_others() -> None:
    rows = [row(f"trial {number}", 1.8 + number / 1000, 0.004, rank=number) for number in range(1, 31)]
    rows[20] = row("base", 1.82, 0.004, rank=21)
    shown = lines(rows, baseline="base")
    numbered = [line.split()[0] for line in shown if re.match(r" ?\d+  ", line)]
    assert numbered == [*(str(rank) for rank in range(1, len(numbered))), "21"]
    assert f"         and {30 - len(numbered)} more · golfsweep leaderboard demo --long" in shown
    assert len(shown) <= LINES


def test_names_of_forty_characters_keep_both_ends() -> None:
    name = "arm-with-a-name-that-is-forty-letters-xx"
    shown = lines([row(name, 1.8, 0.01), row("base", 1.9, 0.01, rank=2)], baseline="base")
    first = next(line for line in shown if line.startswith("1  "))
    assert re.match(r"1  arm-with\S*…\S*letters-xx   1\.8000 ", first)
    assert f"Details  golfsweep show demo/{name}" in shown


def test_without_an_entry_it_says_what_to_do() -> None:
    assert lines([])[2:4] == [
        "Legal    NO ENTRY YET · an entry appears when its seeds are confirmed",
        "Next     see how far it is · golfsweep status demo",
    ]
    assert "Next     wait for the first confirmed entry · golfsweep status demo" in lines(
        [], progress=SweepProgress(state="running")
    )
    failed = lines([], progress=SweepProgress(state="failed", failed=2), failures=["train seed 3 (3fa9c1): crash"])
    assert "Failed   train seed 3 (3fa9c1): crash" in failed
    assert "Next     retry 2 failed jobs · golfsweep retry demo" in failed


def test_where_all_are_flagged_nobody_leads() -> None:
    shown = lines([each for each in DEMO if each["track"] == "flagged"])
    assert "Legal    NO LEGAL ENTRY · all 2 judged entries are flagged" in shown
    assert "Next     see why the best entry is flagged · golfsweep show demo/chimera-611" in shown
    assert not any(line.startswith(("Best", "#")) for line in shown)


def test_records_that_nobody_audited_are_named_beside_entries_and_led_by_the_best_where_they_are_alone() -> None:
    record = row("PR 1493", 1.08, 0.001, track="unverified", source="import", sweep=None, bytes_total=None)
    beside = "\n".join(lines([*DEMO, record]))
    assert "Others   1 entry or record, not audited; the best PR 1493 with 1.0800" in beside
    alone = lines([record], baseline=None)
    assert "Best     PR 1493 (public record) · 1.0800 bpb" in alone
    assert "Legal    UNVERIFIED · its scores were not audited from outside" in alone
    assert "Next     beat it with a sweep of your own · golfsweep init" in alone


def test_a_report_that_cannot_be_written_says_why() -> None:
    shown = lines(DEMO, report="not written, because /home/else may not be written to")
    assert shown[-1] == "Report   not written, because /home/else may not be written to"


def printed(**settings: Any) -> str:
    terminal = Terminal(file=io.StringIO(), width=80)
    terminal._force_terminal, terminal._color_system = True, None
    with terminal.capture() as captured:
        terminal.print(overview(DEMO))
    return captured.get()


def test_words_alone_tell_the_verdict_where_there_is_no_color() -> None:
    assert printed() == AT_80 + "\n"


def test_a_verdict_has_its_color_and_its_word() -> None:
    shown = overview(DEMO).lay_out(80)
    styles = {line.plain[:6].strip(): [str(span.style) for span in line.spans] for line in shown}
    assert "bold yellow" in styles["Record"] and "bold green" in styles["Legal"] and "bold green" in styles["Fits"]
