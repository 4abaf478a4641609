"""Forms that claims and logs take elsewhere: each is read for what it says beyond doubt, or is a finding and null."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.records import entries, record
from sweeps.records.judging import findings
from sweeps.records.reading import claims, folder
from tests.sweeps.records import miniature as mini


def judged(root: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a record's row, and its findings."""
    made = record.build_record(folder.read_folder(root))
    listed = findings.judge_record(made)
    return entries.to_content(made, listed), {finding.code: finding.detail for finding in listed}


def unprinted(seed: int, bpb: str, **changes: Any) -> str:
    """A log that does not print its seed."""
    return mini.first_era(seed, bpb, **changes).replace(f"seed:{seed}\n", "")


SCORES = {"1": "1.20010000", "2": "1.20040000", "3": "1.20080000"}
NAMED = {f"train_seed{seed}": unprinted(int(seed), bpb) for seed, bpb in SCORES.items()}
BPB = {seed: float(bpb) for seed, bpb in SCORES.items()}


@pytest.mark.parametrize(
    "given",
    [
        {"seed_results": {"1": 1.2001, "2": 1.2004, "3": 1.2008}},
        {"seed_results": {"seed_1": {"val_bpb": 1.2001}, "seed 2": {"bpb": 1.2004}, "3": {"mean_bpb": 1.2008}}},
        {"results": [{"seed": 1, "val_bpb": 1.2001}, {"seed": "2", "val_bpb": "1.2004"}, {"seed": 3, "bpb": 1.2008}]},
        {"seeds": [1, 2, 3], "val_bpb_seeds": [1.2001, 1.2004, 1.2008]},
        {"seeds": "1, 2, 3", "seed_scores": ["1.2001", "1.2004", "1.2008"]},
        {"seed_1": {"val_bpb": 1.2001}, "seed_2": {"val_bpb": 1.2004}, "seed_3": {"val_bpb": 1.2008}},
        {
            "seed_1": {"sliding_window_bpb": 1.20, "sliding_window_bpb_exact": 1.2001, "steps": 9000},
            "seed_2": {"val_bpb": 1.20, "val_bpb_exact": 1.2004},
            "seed_3": {"val_bpb": 1.2008, "sliding_window_bpb": 1.3},
        },
        {"val_bpb_seed1": 1.2001, "val_bpb_seed2": 1.2004, "seed3_val_bpb": 1.2008},
        {"val_bpb": {"1": 1.2001, "2": 1.2004, "3": 1.2008}},
        {"metrics": {"val_bpb": 1.2004, "seeds": {"1": 1.2001, "2": 1.2004, "3": 1.2008}}},
        {"seed_steps": {"1": 9000, "2": 9000, "3": 9000}, "per_seed": {"1": 1.2001, "2": 1.2004, "3": 1.2008}},
    ],
)
def test_scores_of_seeds_stand_in_many_forms(tmp_path: Path, given: dict[str, Any]) -> None:
    read = claims.read_claims(folder.read_folder(mini.write(tmp_path, given)).submission or {})
    assert {seed: str(score) for seed, score in read.scores.items()} == {"1": "1.2001", "2": "1.2004", "3": "1.2008"}
    assert (read.seeds, read.count) == (("1", "2", "3"), 3)
    content, details = judged(mini.write(tmp_path, given, **NAMED))
    assert content["seeds"] == BPB
    assert set(details) <= {"no-headline"}


def test_results_may_be_a_table_with_seeds_in_it(tmp_path: Path) -> None:
    seeds = {seed: {"val_bpb": bpb, "val_loss": 2.0264, "artifact_bytes": 15_050_000} for seed, bpb in BPB.items()}
    results = {"mean_val_bpb": 1.20043, "std_val_bpb": 0.00035, "mean_val_loss": 2.0264, "max_eval_seconds": 1.5,
               "max_artifact_bytes": 15_050_000, "seeds": seeds}  # fmt: skip
    content, details = judged(mini.write(tmp_path / "r", {"results": results, "compliance": {"eval_max": 1}}, **NAMED))
    assert (content["seeds"], details) == (BPB, {})
    content, details = judged(mini.write(tmp_path / "s", {"results": results | {"max_eval_seconds": 601.5}}))
    assert (content["eval_seconds"], content["total_bytes"]) == (601.5, 15_050_000)
    assert set(details) == {"missing-logs", "time"}


@pytest.mark.parametrize(
    ("given", "read", "shown"),
    [
        ({"val_bpb": "1.2004"}, {"headline": "1.2004"}, []),
        ({"val_bpb": {"mean": 1.2004, "std": 0.0004}}, {"headline": "1.2004"}, []),
        ({"metrics": {"val_bpb": 1.2004}}, {"headline": "1.2004"}, []),
        ({"val_bpb": 1.2, "metrics": {"val_bpb": 1.3}}, {"headline": "1.2"}, []),
        ({"val_bpb": "1.2004 (3-seed mean)"}, {"headline": "None"}, ['val_bpb is "1.2004 (3-seed mean)"']),
        ({"val_bpb": "~1.20"}, {"headline": "None"}, ['val_bpb is "~1.20"']),
        ({"val_bpb": True}, {"headline": "None"}, ["val_bpb is true"]),
        ({"val_bpb": [1.2]}, {"headline": "None"}, ["val_bpb is a list"]),
        ({"val_bpb": -1.2}, {"headline": "None"}, ["val_bpb is -1.2"]),
        ({"val_bpb": 120.04}, {"headline": "None"}, ["val_bpb is 120.04"]),
        ({"bytes_total": "15,968,000"}, {"total_bytes": "15968000"}, []),
        ({"bytes_total": "15968000 bytes"}, {"total_bytes": "15968000"}, []),
        ({"bytes_total": "15.97 MB"}, {"total_bytes": "None"}, ['bytes_total is "15.97 MB"']),
        ({"bytes_total": "0.0149 GiB"}, {"total_bytes": "None"}, ['bytes_total is "0.0149 GiB"']),
        ({"bytes_total": 15.97}, {"total_bytes": "None"}, ["bytes_total is 15.97"]),
        ({"bytes_total": 16}, {"total_bytes": "None"}, ["bytes_total is 16"]),
        ({"bytes_code": 48.5}, {"code_bytes": "None"}, ["bytes_code is 48.5"]),
        ({"train_time_seconds": "599.9 s"}, {"train_seconds": "599.9"}, []),
        ({"seeds": [1, "2", 3.0]}, {"seeds": "('1', '2', '3')"}, []),
        ({"seeds": {"1": "PENDING", "2": None}}, {"scores": "{}", "count": "2"},
         ['the score of seed 1 is "PENDING"', "the score of seed 2 is null"]),
        ({"seed_results": {"1": "TBD", "2": "TBD"}}, {"scores": "{}", "count": "2"},
         ['the score of seed 1 is "TBD"', 'the score of seed 2 is "TBD"']),
        ({"seed_results": {"1": {"val_bpb": "PENDING_RERUN"}, "2": {"val_bpb": 1.2}}}, {"count": "2"},
         ['val_bpb of seed 1 is "PENDING_RERUN"']),
        ({"pr": 611, "pr_url": "https://example.org/pull/611"}, {"url": "https://example.org/pull/611"}, []),
        ({"url": "javascript:alert(1)"}, {"url": "None"}, []),
        ({"p_value": "p-value: 0.003"}, {"p_value": "('=', Decimal('0.003'))"}, []),
    ],
)  # fmt: skip
def test_values_are_read_for_what_they_are(
    tmp_path: Path, given: dict[str, Any], read: dict[str, str], shown: list[str]
) -> None:
    claimed = claims.read_claims(folder.read_folder(mini.write(tmp_path, given)).submission or {})
    assert {name: str(getattr(claimed, name)) for name in read} == read
    assert [f"{name} is {value}" for name, value in claimed.pending] == shown


def test_a_seed_that_is_claimed_twice_has_no_claimed_score(tmp_path: Path) -> None:
    given = {"val_bpb": 1.2004, "seed_results": [{"seed": 1, "val_bpb": 1.2001}, {"seed": 1, "val_bpb": 1.25},
             {"seed": 2, "val_bpb": 1.2004}, {"seed": 3, "val_bpb": 1.2008}]}  # fmt: skip
    content, details = judged(mini.write(tmp_path / "r", given))
    assert content["seeds"] == {"1": None, "2": 1.2004, "3": 1.2008}
    assert details["repeated-seed"] == "seed 1 is claimed more than once, with different scores"
    content, details = judged(mini.write(tmp_path / "s", {"val_bpb": 1.2004, "seeds": [1, 2, 3, 3]}, **NAMED))
    assert content["seeds"] == BPB
    assert details["repeated-seed"] == "seed 3 is claimed more than once"


def test_a_field_that_appears_twice_in_json_is_no_claim(tmp_path: Path) -> None:
    content, details = judged(mini.write(tmp_path, '{"val_bpb": 1.2004, "seeds": [1, 2, 3], "val_bpb": 1.1}', **NAMED))
    assert content["seeds"] == BPB
    assert "val_bpb appears twice" in details["unread"]
    assert {"unread", "pending"} <= set(details)


@pytest.mark.parametrize(
    "name",
    ["train_seed42", "seed_42", "SEED-42", "log.seed42.final", "run_s42", "seed=42", "logs__seed42__train", "x__s42"],
)
def test_seeds_in_names(tmp_path: Path, name: str) -> None:
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.2001}, **{name: unprinted(42, "1.20010000")}))
    assert content["seeds"] == {"42": 1.2001}
    assert set(details) == {"single-seed"}


@pytest.mark.parametrize("name", ["42", "train_42", "3seeds", "seed", "seed1_vs_seed2", "reseed42x", "sp1024_s"])
def test_names_that_tell_no_seed(tmp_path: Path, name: str) -> None:
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.2001}, **{name: unprinted(42, "1.20010000")}))
    assert content["seeds"] == {"?": 1.2001}
    assert "seed-unknown" in details


@pytest.mark.parametrize("line", ["SEED=42 torchrun train_gpt.py", "python train.py --seed 42", "args: --seed=42",
                                  "{'seed': 42, 'lr': 0.1}", "  seed: 42", "args: Namespace(seed=42, lr=0.1)",
                                  "Random seed: 42"])  # fmt: skip
def test_seeds_in_logs(tmp_path: Path, line: str) -> None:
    content, _ = judged(mini.write(tmp_path, train=line + "\n" + unprinted(42, "1.20010000")))
    assert content["seeds"] == {"42": 1.2001}


def test_of_copies_the_one_that_is_named_as_it_prints_is_kept(tmp_path: Path) -> None:
    text = mini.first_era(2, "1.20040000")
    logs = {"a_seed1_rerun": text, "train_seed1": mini.first_era(1, "1.20010000"), "train_seed2": text}
    content, details = judged(mini.write(tmp_path / "printed", {"val_bpb": 1.20025, "seeds": [1, 2]}, **logs))
    assert content["seeds"] == {"1": 1.2001, "2": 1.2004}
    assert set(details) == {"copied-seed"}
    assert details["copied-seed"].startswith("a_seed1_rerun.log is a copy of train_seed2.log")
    assert details["copied-seed"].endswith("seed 1 has no log of its own")
    logs = {"train_seed1": unprinted(1, "1.20010000"), "train_seed2": unprinted(1, "1.20010000")}
    content, details = judged(mini.write(tmp_path / "silent", {"val_bpb": 1.2001, "seeds": [1, 2]}, **logs))
    assert content["seeds"] == {"?": 1.2001, "1": None, "2": None}
    assert details["copied-seed"].endswith("byte for byte: its seed is unknown")


def test_results_of_what_is_no_seed_are_named(tmp_path: Path) -> None:
    seeds = {"1": 1.2001, "2": 1.2004, "3_5pct": {"val_bpb": 1.2008}, "mean": 1.2004}
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.2004, "seeds": seeds}, **NAMED))
    assert content["seeds"] == BPB
    assert details["ambiguous-seed"] == 'submission.json gives a result of "3_5pct", which is no seed'


def test_a_run_that_was_not_made_is_pending(tmp_path: Path) -> None:
    given = {"seed_1": {"val_bpb": 1.2001}, "seed_2": {"val_bpb": "NOT RUN"}, "val_bpb": "INCOMPLETE"}
    content, details = judged(mini.write(tmp_path, given, train_seed1=NAMED["train_seed1"]))
    assert content["seeds"] == {"1": 1.2001, "2": None}
    assert {"pending", "missing-logs", "seed-count"} <= set(details)


def test_one_log_cannot_be_two_seeds_whatever_was_changed_in_it(tmp_path: Path) -> None:
    logs = NAMED | {"train_seed2": "copied\n" + NAMED["train_seed1"]}
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.20033333, "seeds": [1, 2, 3]}, **logs))
    assert content["seeds"] == BPB | {"2": 1.2001}
    assert details["same-score"].startswith("seeds 1, 2 have the same score, 1.20010000, to the last digit")


@pytest.mark.parametrize(
    ("end", "score"),
    [
        ("", 1.2001),
        ("000", 1.2001),  # of the line with all digits; the rounded one before it stands
        (" val_bpb:1.20010000", 1.2001),
        ("final_int8_zlib_roundtrip_exact val_loss:2.02640000 val_bpb:1.20010000", 1.2001),
        (" eval_time:1500ms\nfinal_int8_zlib_roundtrip_exact val_loss:2.02640000 val_bpb:1.20010000", 1.2001),
        ("1 eval_time:1500ms\nfinal_int8_zlib_roundtrip_exact val_loss:2.02640000 val_bpb:1.20010000", None),
    ],
)
def test_a_log_that_is_cut_gives_no_cut_number(tmp_path: Path, end: str, score: float | None) -> None:
    log = mini.first_era(1, "1.20010000")
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.2001}, train=log[: len(log) - len(end)]))
    assert content["seeds"] == {"1": score}
    assert ("no-final-score" in details) == (score is None)


def test_a_log_that_ends_in_the_middle_of_its_only_score_has_none(tmp_path: Path) -> None:
    log = "seed:1\nstep:9/20 val_loss:2.1 val_bpb:1.3 train_time:9ms\nlegal_ttt_exact val_loss:2.02640000 val_bpb:1.2"
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.2001}, train=log))
    assert content["seeds"] == {"1": None}
    assert "no-final-score" in details


def test_files_named_as_logs_that_hold_nothing_are_named(tmp_path: Path) -> None:
    logs = NAMED | {"train_seed3": "", "notes": "to do"}
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.20025, "seeds": [1, 2, 3]}, **logs))
    assert content["seeds"] == BPB | {"3": None}
    assert "train_seed3.log" in details["unread"] and "no log of seed 3" in details["missing-logs"]


def test_sizes_with_commas_and_scores_of_others(tmp_path: Path) -> None:
    log = unprinted(1, "1.20010000").replace("15000000 bytes", "15,000,000 bytes")
    log = log.replace("15050000 bytes", "15,050,000 bytes") + "\nbaseline val_loss:2.0727 val_bpb:1.2244"
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.2001, "seed": 1}, train=log))
    assert (content["seeds"], content["total_bytes"], content["model_bytes"]) == ({"1": 1.2001}, 15_050_000, 15_000_000)
    assert set(details) == {"single-seed"}


def test_a_claimed_loss_of_one_seed_is_held_against_its_log(tmp_path: Path) -> None:
    given = {"val_bpb": 1.2004, "seed_results": {
        "1": {"val_bpb": 1.2001, "val_loss": 1.2001}, "2": {"val_bpb": 1.2004, "val_loss": 2.0264},
        "3": {"val_bpb": 1.2008, "val_loss": 2.1}}}  # fmt: skip
    _, details = judged(mini.write(tmp_path, given, **NAMED))
    assert details["loss-is-bpb"] == "seed 1: val_loss 1.2001 is bits per byte, not nats per token"
    assert details["loss-differs"] == "seed 3: val_loss 2.1, its log says 2.02640000"


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"val_bpb": 1.2004333}, None, ""),
        ({"val_bpb": 1.2001}, "best-seed", "1.2001 is the best of 3 seeds, their mean is 1.2004"),
        ({"val_bpb": 1.19}, "mean-differs", "the mean of its seeds is 1.2004 over 3 seeds"),
        ({"val_bpb": 1.2004, "val_bpb_std": 0.00035}, None, ""),
        ({"val_bpb": 1.2004, "val_bpb_std": 0.00041}, None, ""),  # as it may be before scores are rounded
        ({"val_bpb": 1.2004, "val_bpb_std": 0.00029}, "population-std", "0.000351"),
        ({"val_bpb": 1.2004, "val_bpb_std": 0.00082}, "std-differs", "0.000351"),
    ],
)
def test_claims_are_held_against_each_other_where_there_is_no_log(
    tmp_path: Path, given: dict[str, Any], code: str | None, words: str
) -> None:
    _, details = judged(mini.write(tmp_path, given | {"seed_results": {"1": 1.2001, "2": 1.2004, "3": 1.2008}}))
    assert set(details) - {code} == {"missing-logs"}
    assert code is None or words in details[code]


def test_scores_of_four_digits_bear_out_a_mean_of_eight(tmp_path: Path) -> None:
    logs = {f"seed{seed}": f"final_sliding val_loss:2.0264 val_bpb:{bpb[:6]}\n" for seed, bpb in SCORES.items()}
    for headline, codes in (("1.20046123", set()), ("1.20055", {"mean-differs"})):
        _, details = judged(mini.write(tmp_path, f'{{"val_bpb": {headline}, "val_loss": 2.02643}}', **logs))
        assert set(details) == codes


@pytest.mark.parametrize("headline", [1.2001, 1.20043333])
def test_one_file_with_the_trainings_of_several_seeds_gives_no_score(tmp_path: Path, headline: float) -> None:
    log = "\n".join(mini.first_era(int(seed), bpb) for seed, bpb in SCORES.items())
    content, details = judged(mini.write(tmp_path, {"val_bpb": headline}, train=log))
    assert content["seeds"] == {"?": None}
    assert {"ambiguous-seed", "ambiguous-log"} <= set(details)


def test_two_names_one_printed_seed(tmp_path: Path) -> None:
    logs = {"train_seed1": mini.first_era(1, "1.20010000"), "train_seed2": mini.first_era(1, "1.20040000")}
    given = {"val_bpb": 1.20025, "seed_results": {"1": 1.2001, "2": 1.2004}}
    content, details = judged(mini.write(tmp_path, given, **logs))
    assert content["seeds"] == {"1": 1.2001, "2": None}
    assert {"seed-name", "duplicate-seed", "missing-logs", "mean-differs"} <= set(details)


def test_a_mean_of_bytes_is_held_against_the_mean(tmp_path: Path) -> None:
    logs = {f"train_seed{seed}": unprinted(seed, SCORES[str(seed)], model=15_000_000 + seed) for seed in (1, 2, 3)}
    for claimed, codes in ((15_050_002, set()), (15_050_002.0, set()), (15_050_099, {"bytes-differ"})):
        _, details = judged(mini.write(tmp_path, {"val_bpb": 1.2004, "artifact_bytes_mean": claimed}, **logs))
        assert set(details) == codes


def test_scores_without_seeds_choose_among_the_logs_of_a_seed(tmp_path: Path) -> None:
    given = {"val_bpb": 1.2004, "val_bpb_seeds": [1.2001, 1.2004, 1.2008]}
    content, details = judged(mini.write(tmp_path / "r", given, **NAMED, rerun_seed3=unprinted(3, "1.25000000")))
    assert content["seeds"] == BPB
    assert set(details) == {"duplicate-seed"}
    _, details = judged(mini.write(tmp_path / "s", given | {"val_bpb_seeds": [1.2001, 1.2004, 1.1]}, **NAMED))
    assert details["seed-differs"] == "a score of 1.1 is claimed, no log that counts gives it"
    _, details = judged(mini.write(tmp_path / "t", {"val_bpb": 1.2004, "val_bpb_seeds": [1.2001, 1.2004]}, **NAMED))
    assert details["seed-count"] == "2 seeds claimed, 3 have logs"
    _, details = judged(mini.write(tmp_path / "u", given))
    assert set(details) == {"missing-logs"}


def test_a_score_without_its_loss_has_no_unit(tmp_path: Path) -> None:
    log = "seed:1\nlegal_ttt_exact val_bpb:1.08120000\n"
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.0812, "val_loss": 2.79}, train=log))
    assert (content["seeds"], content["bpb_per_nat"]) == ({"1": 1.0812}, None)
    assert set(details) == {"single-seed"}


def test_significance_has_names_of_its_own(tmp_path: Path) -> None:
    given = {"val_bpb": 1.2001, "significance_threshold_bpb": 1.2, "significance_runs": 3,
             "significance_std_bpb": 0.00028674, "significance_p_one_sided": 0.003}  # fmt: skip
    _, details = judged(mini.write(tmp_path, given, **NAMED))
    assert set(details) == {"best-seed", "population-std", "unsupported-p"}


def test_the_largest_claimed_size_of_a_seed_is_the_records(tmp_path: Path) -> None:
    results = {
        "1": {"val_bpb": 1.2001, "artifact_bytes": 16_000_001},
        "2": {"val_bpb": 1.2003, "bytes_total": 15_000_000},
    }
    content, details = judged(mini.write(tmp_path, {"val_bpb": 1.2002, "seed_results": results}))
    assert content["total_bytes"] == 16_000_001
    assert details["size"] == "16,000,001 bytes claimed, over 16,000,000"


def test_the_same_file_twice_with_other_line_ends_is_one_run(tmp_path: Path) -> None:
    root = mini.write(tmp_path, {"val_bpb": 1.2001}, train_seed1=NAMED["train_seed1"])
    (root / "train_seed1_windows.txt").write_bytes(NAMED["train_seed1"].replace("\n", "\r\n").encode("utf-16"))
    content, details = judged(root)
    assert content["seeds"] == {"1": 1.2001}
    assert "duplicate-seed" in details or "duplicate-log" in details
