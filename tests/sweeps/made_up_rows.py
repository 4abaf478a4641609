"""Made-up rows of a leaderboard as `leaderboard --json` has them: those of the demo, and what a test changes."""

from typing import Any

from sweeps.board.leaderboard import COLUMNS

Row = dict[str, Any]
SEEDS = ("2024", "2025", "2026")


def row(name: str, mean: float | None, half: float | None = None, **changes: Any) -> Row:
    """A legal entry of three seeds; `half` is half the width of its 95 % interval."""
    spread = None if half is None or mean is None else [mean - half, mean + half]
    facts: Row = {
        "name": name, "track": "legal", "rank": 1, "source": "golfsweep", "sweep": "demo", "val_bpb_mean": mean,
        "val_bpb_std": None if half is None else half / 2.48, "val_bpb_ci95": spread,
        "seeds": dict.fromkeys(SEEDS if half is not None else SEEDS[:1], mean), "findings": [],
        "unchecked": ["not timed on contest hardware (ran on cpu AVX512)"], "audited_seeds": 3, "bytes_total": 553_053,
        "bytes": {"limit": 16_000_000}, "train_seconds": 13.6, "eval_seconds": 12.4, "trials": 0, "tries": 7,
    }  # fmt: skip
    return dict.fromkeys(COLUMNS) | facts | changes


def claim(incumbent: str = "lora-ttt", mbpb: float = -6.95, p: float = 0.0133, **changes: Any) -> Row:
    """The columns of a claim against an incumbent: by the written rule not shown, with 1 to 23 more seeds each."""
    facts: Row = {
        "incumbent": incumbent, "difference_mbpb": mbpb, "difference_means_mbpb": mbpb, "written_rule": p < 0.01,
        "precedent": p < 0.25, "p_written_rule": p, "p_incumbent": p, "seeds_to_record": 0 if p < 0.01 else 1,
        "seeds_to_record_most": 0 if p < 0.01 else 23, "dollars_to_record": 0.0009, "dollars_to_record_most": 0.0207,
        "incumbent_too": True, "settled_by": "precedent",
    }  # fmt: skip
    return facts | changes


LEAK = [{"code": code, "detail": "measured"} for code in ("C1", "C2", "C3", "C4")]
DEMO = (
    row("trial 20", 1.80504, 0.00872, trials=24, selection_bias_mbpb=2.576, p_value=0.0836, **claim()),
    row("lora-ttt", 1.81199, 0.00729, rank=2),
    row("sliding-window", 1.82313, 0.00989, rank=3, p_value=0.998),
    row("chimera-611", 1.37653, track="flagged", findings=LEAK),
    row("klora-minnll-614", 1.47072, track="flagged", rank=2, findings=[{"code": "size", "detail": "17 MB"}]),
)
"""Three legal entries and two flagged ones."""
