"""Traps, one a test: which findings there are, and which score counts. Public records have all of them."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.records import entries, record, review
from sweeps.records.judging import findings
from sweeps.records.reading import folder
from tests.sweeps.records import miniature as mini


def judged(root: Path) -> tuple[record.Record, dict[str, str]]:
    made = record.build_record(folder.read_folder(root))
    return made, {finding.code: finding.detail for finding in findings.judge_record(made)}


def shown(made: record.Record) -> dict[str, str | None]:
    return {seed: None if score is None else str(score) for seed, score in made.scores.items()}


THREE = {"a_seed1": mini.first_era(1, "1.20010000"), "a_seed2": mini.first_era(2, "1.20040000"),
         "a_seed3": mini.first_era(3, "1.20080000")}  # fmt: skip
SOUND = {"val_bpb": 1.20043333, "val_loss": 2.0264, "bytes_total": 15_050_000, "bytes_code": 50_000,
         "val_bpb_std": 0.00035119, "seeds": [1, 2, 3]}  # fmt: skip


def test_a_sound_record_has_no_finding(tmp_path: Path) -> None:
    made, details = judged(mini.write(tmp_path / "r", SOUND, **THREE))
    assert details == {}
    assert shown(made) == {"1": "1.20010000", "2": "1.20040000", "3": "1.20080000"}


@pytest.mark.parametrize(
    ("claims", "code", "words"),
    [
        ({"val_bpb": 1.2001}, "best-seed", "1.2001 is the best of 3 seeds, their mean is 1.20043333"),
        ({"val_bpb": 1.20080000001}, "one-seed", "1.20043333"),
        ({"val_bpb": 1.19}, "mean-differs", "headline 1.19, the logs' mean is 1.20043333"),
        ({"val_bpb": 1.1990}, "pre-quant", "before quantization; the final mean is 1.20043333"),
        ({"val_bpb": None}, "pending", "val_bpb is null"),
        ({"val_bpb": 0.0}, "pending", "val_bpb is 0"),
        ({"val_bpb": "PENDING_RERUN"}, "pending", '"PENDING_RERUN"'),
        ({"val_loss": 1.2004}, "loss-is-bpb", "bits per byte"),
        ({"val_loss": 2.1}, "loss-differs", "2.02640000"),
        ({"val_bpb_std": 0.00028674}, "population-std", "0.000351"),
        ({"val_bpb_std": 0.0009}, "std-differs", "0.000351"),
        ({"p_value": "<0.001"}, "unsupported-p", "no baseline"),
        ({"blurb": "1.2004 vs 1.2010, p << 0.01"}, "unsupported-p", "p ≪ 0.01: 3 seeds against 1.2010"),
        ({"blurb": "1.2004 vs 1.2010, t=2.80"}, "no finding", ""),
        ({"blurb": "1.2004 vs 1.2010, t=3.80"}, "t-differs", "t = 3.80; one-sample against 1.2010 t = 2.79"),
        ({"blurb": "1.2004 vs 1.2100, t=22.52"}, "margin-as-bpb", "df 2, one-sided p = 0.0010"),
        ({"seeds": [1, 2, 3, 4]}, "missing-logs", "seed 4"),
        ({"seeds": [1, 2, 3, 4]}, "seed-count", "4 seeds claimed, 3 have logs"),
        ({"seeds": None, "blurb": "mean of 5 seeds"}, "seed-count", "5 seeds claimed, 3 have logs"),
        ({"bytes_total": 15_000_001}, "bytes-differ", "15,000,001"),
        ({"bytes_code": 49_999}, "code-bytes", "50,000"),
        ({"eval_time_seconds": 20}, "time-differs", "20 s of evaluation"),
        ({"step_stop": 9_001}, "steps-differ", "9,001"),
        ({"model_params": 18_000_000}, "other-model", "17,000,000"),
        ({"seed_results": {"1": {"val_bpb": 1.1991}, "2": {"val_bpb": 1.2004}, "3": {"val_bpb": 1.2008}}},
         "seed-differs", "seed 1: claimed 1.1991, its log says 1.20010000"),
        ({"seed_results": {"1": {"val_bpb": 1.2001}}, "seeds": None,
          "all_runs": {"1": 1.2001, "2": 1.2004, "3": 1.2008}}, "selected-seeds", "3 seeds were run, 1 are reported"),
    ],
)  # fmt: skip
def test_claims_are_held_against_the_logs(tmp_path: Path, claims: dict[str, Any], code: str, words: str) -> None:
    submission = {key: value for key, value in (SOUND | claims).items() if key == "val_bpb" or value is not None}
    _, details = judged(mini.write(tmp_path / "r", submission, **THREE))
    assert words in details[code] if words else details == {}


@pytest.mark.parametrize(
    ("log", "code", "words"),
    [
        (mini.first_era(model=15_960_000), "size", "16,010,000"),
        (mini.first_era(train_ms=600_050), "time-last-step", "600.050"),
        (mini.first_era(train_ms=604_000), "time", "training took 604.000 s"),
        (mini.first_era(eval_ms=780_000), "time", "evaluation took 780.000 s"),
        (mini.phased_era(documents=2_000), "coverage", "2,000 of 50,000"),
        (mini.first_era().replace("tokens:62021632", "tokens:6202163"), "coverage", "6,202,163 tokens"),
        (mini.phased_era(), "size-raw", "16,070,000"),
        (mini.phased_era(), "time-process", "610.6 s"),
        (mini.first_era(eval_ms=590_000) + "\nphase:ttt_eval wall_ms:700000", "time-process",
         "evaluation took 700.0 s as a whole (seed 7: eval.process)"),
        (mini.phased_era() + "\nphase:ttt_eval wall_ms:700000", "time-process", "700.0 s"),
        (mini.phased_era() + "\nphase:ttt_eval wall_ms:500000", "time-process", "610.6 s"),
        (mini.first_era().rsplit("final_int8_zlib_roundtrip val", 1)[0], "no-final-score", "1.1990"),
        (mini.first_era() + "\n" + mini.first_era(bpb="1.20990000"), "ambiguous-log", "2 trainings"),
        (mini.first_era().replace("seed:7", ""), "seed-unknown", "no seed is printed"),
        (mini.first_era() + "\nngram_cache: hits=7/8", "mixture", "C2"),
        (mini.first_era(), "missing-submission", "no readable submission.json"),
        (mini.first_era().replace("2.0264", "2.3709"), "byte-count", "counts +17.0% bytes: a nat per token is 0.5062"),
        (mini.first_era().replace("2.02640000", "1.20010000"), "byte-count", "1.20010000 as loss and as bits per byte"),
    ],
)  # fmt: skip
def test_logs_are_held_against_the_rules(tmp_path: Path, log: str, code: str, words: str) -> None:
    made, details = judged(mini.write(tmp_path / "r", train=log))
    assert words in details[code]
    if code == "ambiguous-log":
        assert shown(made) == {"7": None}


def test_a_name_never_outweighs_the_printed_seed(tmp_path: Path) -> None:
    made, details = judged(mini.write(tmp_path / "r", train_seed42=mini.first_era(1337)))
    assert shown(made) == {"1337": "1.20010000"}
    assert details["seed-name"] == "train_seed42.log: named after seed 42, prints seed 1337"


def test_of_several_logs_of_a_seed_the_claimed_one_counts(tmp_path: Path) -> None:
    logs = {"a": mini.first_era(7, "1.20010000"), "b": mini.first_era(7, "1.20400000")}
    made, details = judged(mini.write(tmp_path / "claimed", {"val_bpb": 1.2040}, **logs))
    assert shown(made) == {"7": "1.20400000"}
    assert "b.log counts" in details["duplicate-seed"]
    made, details = judged(mini.write(tmp_path / "neither", {"val_bpb": 1.3}, **logs))
    assert shown(made) == {"7": None}
    assert "no score" in details["duplicate-seed"]
    made, _ = judged(mini.write(tmp_path / "silent", **logs))
    assert shown(made) == {"7": None}
    logs["b"] = "logged again\n" + logs["a"]
    made, details = judged(mini.write(tmp_path / "twice", **logs))
    assert shown(made) == {"7": "1.20010000"}
    assert "duplicate-seed" in details


def seedless(bpb: str) -> str:
    return mini.first_era(0, bpb).replace("seed:0\n", "")


SEEDLESS = seedless("1.30000000")


@pytest.mark.parametrize(
    ("claims", "logs", "score"),
    [
        (SOUND, {"extra": SEEDLESS}, None),  # every claimed seed has its log
        ({"val_bpb": 1.2004}, {"extra": SEEDLESS}, None),  # nothing says how many seeds there are
        (SOUND | {"seeds": [1, 2, 3, 4]}, {"extra": SEEDLESS}, "1.30000000"),
        ({"val_bpb": 1.2, "blurb": "4-seed mean"}, {"extra": SEEDLESS}, "1.30000000"),
        ({"seeds": {"4": {"val_bpb": 1.3}, "1": 1.2001, "2": 1.2004, "3": 1.2008}}, {"extra": SEEDLESS}, "1.30000000"),
        ({"seeds": {"4": {"val_bpb": 1.4}, "1": 1.2001, "2": 1.2004, "3": 1.2008}}, {"extra": SEEDLESS}, None),
        (SOUND | {"seeds": [1, 2, 3, 4]}, {"extra": seedless("1.20010000")}, None),  # seed 1's
    ],
)
def test_a_log_of_unknown_seed_counts_where_a_seed_lacks_one(
    tmp_path: Path, claims: dict[str, Any], logs: dict[str, str], score: str | None
) -> None:
    made, details = judged(mini.write(tmp_path / "r", claims, **THREE, **logs))
    assert shown(made) | {"4": None} == {
        "1": "1.20010000", "2": "1.20040000", "3": "1.20080000", "?": score, "4": None,
    }  # fmt: skip
    assert ("does not count" in details["seed-unknown"]) == (score is None)
    if claims is SOUND:
        assert set(details) == {"seed-unknown"}
        assert entries.to_entry(entries.to_content(made, findings.judge_record(made)))["val_bpb_mean"] == pytest.approx(
            1.2004333333
        )


def test_more_logs_of_unknown_seed_than_seeds_that_lack_one_do_not_count(tmp_path: Path) -> None:
    logs = {"b": SEEDLESS, "c": seedless("1.31000000")}
    made, details = judged(mini.write(tmp_path / "r", SOUND | {"seeds": [1, 2, 3, 4]}, **THREE, **logs))
    assert [score for seed, score in made.scores.items() if seed.startswith("?")] == [None, None]
    assert details["seed-count"] == "4 seeds claimed, 3 have logs"
    made, _ = judged(mini.write(tmp_path / "of-one", {"val_bpb": 1.31, "seed": 7}, **logs))
    assert shown(made) == {"? b.log": None, "? c.log": "1.31000000", "7": None}


def test_copies_count_once_and_cannot_be_two_seeds(tmp_path: Path) -> None:
    text = mini.first_era(7)
    made, details = judged(mini.write(tmp_path / "r", {"val_bpb": 1.2001}, train=text, train_seed7=text))
    assert shown(made) == {"7": "1.20010000"}
    assert set(details) == {"duplicate-log", "single-seed"}
    _, details = judged(mini.write(tmp_path / "s", {"val_bpb": 1.2001}, train_seed7=text, train_seed8=text))
    assert "seed 8 has no log of its own" in details["copied-seed"]


def test_the_protocol_is_the_one_that_is_claimed(tmp_path: Path) -> None:
    log = mini.sliding_era(7, "1.15010000") + "\nfinal_int6_ttt val_loss:2.2 val_bpb:1.33000000 eval_time:400000ms"
    made, details = judged(mini.write(tmp_path / "r", {"val_bpb": 1.1501}, train=log))
    assert shown(made) == {"7": "1.15010000"}
    assert "final_int6_ttt 1.33000000" in details["other-protocol"]
    made, _ = judged(mini.write(tmp_path / "roundtrip", {"val_bpb": 1.18}, train=mini.sliding_era()))
    assert made.stage == "roundtrip"
    made, _ = judged(mini.write(tmp_path / "silent", train=log))
    assert shown(made) == {"7": "1.33000000"}


def test_claims_stand_in_only_for_what_no_log_prints(tmp_path: Path) -> None:
    claims = {"val_bpb": 1.2001, "eval_time_seconds": 480, "train_time_seconds": 590, "bytes_total": 15_050_000}
    silent = mini.first_era().replace(" eval_time:1500ms", "")
    for name, log, seconds in (("silent", silent, 480.0), ("printed", mini.first_era(), 1.5)):
        made, _ = judged(mini.write(tmp_path / name, claims, train=log))
        content = entries.to_content(made, [])
        assert (content["eval_seconds"], content["train_seconds"]) == (seconds, 599.9)
    made, _ = judged(mini.write(tmp_path / "doubtful", claims, a=mini.first_era(7, "1.3"), b=mini.first_era(7, "1.4")))
    assert entries.to_content(made, [])["eval_seconds"] is None  # printed, and which log counts is not known


def test_the_score_before_quantization_is_the_last_one_everywhere(tmp_path: Path) -> None:
    log = mini.sliding_era().replace("Code size", "pre_quant_eval_exact val_loss:1.96 val_bpb:1.16000000\nCode size")
    made, _ = judged(mini.write(tmp_path / "r", {"val_bpb": 1.1501}, train=log))
    assert entries.to_content(made, [])["trained_bpb"] == 1.16
    assert review.to_json(made, [])["logs"]["7"]["trained"] == "1.16000000"


def test_the_unit_is_the_logs_own_and_null_where_they_differ(tmp_path: Path) -> None:
    def facts(name: str, **logs: str) -> tuple[float | None, str | None]:
        content = entries.to_content(judged(mini.write(tmp_path / name, **logs))[0], [])
        return content["bpb_per_nat"], content["tokenizer"]

    path = "val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path=./data/tokenizers/fineweb_1024_bpe.model\n"
    assert facts("plain", a=mini.first_era()) == (pytest.approx(1.2001 / 2.0264), "sp1024")
    assert facts("named", a=path + mini.first_era()) == (pytest.approx(1.2001 / 2.0264), "fineweb_1024_bpe.model")
    mixed = facts("mixed", a=mini.first_era(1), b=mini.phased_era(2))  # of which the second alone has a score
    assert mixed == (pytest.approx(1.0601 / 2.739), None)
    other = mini.first_era(2).replace("2.0264", "2.6000")
    assert facts("two texts", a=mini.first_era(1), b=other) == (None, "sp1024")
    assert facts("no loss", a=mini.first_era().replace("2.02640000", "1.20010000")) == (None, "sp1024")


def test_mixed_settings_are_named(tmp_path: Path) -> None:
    other = mini.first_era(8, "1.2", code=50_001).replace("train_seq_len:1024", "train_seq_len:2048")
    _, details = judged(mini.write(tmp_path / "r", a=mini.first_era(7), b=other))
    assert details["mixed-settings"] == (
        "not one configuration: train_seq_len 1024 / 2048; code of 50,000 / 50,001 bytes"
    )


def test_closed_protocols_are_flagged_and_nothing_is_ever_legal(tmp_path: Path) -> None:
    submission = {"val_bpb": 0.5601, "blurb": "min-NLL epoch selection"}
    made, details = judged(mini.write(tmp_path / "r", submission, train=mini.closed_era()))
    assert {"C2", "C3", "C4"} <= set(details)
    assert entries.to_content(made, findings.judge_record(made))["track"] == "flagged"
    made, details = judged(mini.write(tmp_path / "s", {"val_bpb": 1.0601, "no_min_nll": True}, train=mini.phased_era()))
    assert not {"C2", "C3", "C4"} & set(details)
    assert entries.to_content(made, findings.judge_record(made))["track"] == "unverified"


def test_without_logs_claims_stand_in_and_are_called_so(tmp_path: Path) -> None:
    made, details = judged(mini.write(tmp_path / "r", {"seed_results": {"1": 1.1, "2": {"val_bpb": 1.2}}}))
    assert shown(made) == {"1": "1.1", "2": "1.2"}
    assert "none could be checked" in details["missing-logs"]
    assert made.measured == []


def test_seeds_may_be_a_mapping_or_a_list_of_results(tmp_path: Path) -> None:
    for name, seeds in {"map": {"seed_1": {"val_bpb": 1.1}}, "list": [{"seed": 1, "val_bpb": 1.1}]}.items():
        made, _ = judged(mini.write(tmp_path / name, {"seeds": seeds}))
        assert shown(made) == {"1": "1.1"}


def test_a_set_that_no_line_names_is_known_by_its_bits_per_byte(tmp_path: Path) -> None:
    log = mini.first_era(bpb="1.20010000").replace("./data/datasets/fineweb10B_sp1024/", "")
    half = log.replace("tokens:62021632", "tokens:31010816")
    _, details = judged(mini.write(tmp_path / "half", {"val_bpb": 1.2001}, train_seed7=half))
    assert details["coverage"].endswith("31,010,816 tokens scored, the whole set has about 62,021,632")
    _, details = judged(mini.write(tmp_path / "whole", {"val_bpb": 1.2001}, train_seed7=log))
    assert "coverage" not in details
