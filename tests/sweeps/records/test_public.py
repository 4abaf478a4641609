"""The public records of the challenge, where they lie beside the checkout: what their logs say, read by hand.

SEEDS holds, by folder and seed, the final score as printed, and bytes, training and evaluation seconds of the same log.
"""

from pathlib import Path

import pytest

from sweeps.records import record
from sweeps.records.judging import findings, measures
from sweeps.records.reading import folder

PUBLIC = Path(__file__).parents[4] / "shared" / "records"
SEEDS: dict[str, dict[str, tuple[str, int | None, float, float | None]]] = {
    "2026-03-24_Chimera_TTT_PR611": {
        "7": ("0.55944351", 15426662, 600.006, 780.634),
        "42": ("0.54978764", 15507930, 600.049, 779.123),
        "1337": ("0.57114136", 15458527, 600.049, 778.436),
    },
    "2026-03-17_LoRA_TTT": {
        "1337": ("1.1929", 15884843, 600.051, 60.184),
    },
    "2026-03-18_FP16Embed_WD3600": {
        "42": ("1.22006458", 15897173, 599.992, 1.408),
        "1337": ("1.21972502", 15896222, 600.008, 1.399),
    },
    "2026-03-19_10L_MixedPrecision": {
        "1337": ("1.21474500", 15928974, 599.812, 1.432),
    },
    "2026-03-19_MLP3x_QAT_Int6_SlidingWindow": {
        "1337": ("1.16660881", 15693599, 600.04, 72.611),
    },
    "2026-03-19_Seq2048_FP16Emb_TunedLR": {
        "3": ("1.15861696", 15519859, 600.036, 356.614),
        "42": ("1.15978656", 15398999, 600.076, 355.951),
        "1337": ("1.16101576", 15558319, 600.042, 370.426),
    },
    "2026-03-19_SlidingWindowEval": {
        "1337": ("1.19250007", 15874829, 600.028, 69.881),
    },
    "2026-03-19_SlidingWindow_FP16Emb_10L_MuonWD_OvertoneInit": {
        "7": ("1.17443456", 15397085, 600.073, 134.729),
        "42": ("1.17423973", 15350371, 600.069, 159.776),
        "1337": ("1.17558517", 15374243, 599.952, 161.632),
    },
    "2026-03-19_WarmdownQuantization": {
        "1337": ("1.15744040", 15977717, 600.031, 240.533),
    },
    "2026-03-19_smeargate_orthoinit_muonwd": {
        "1337": ("1.15555486", 15878809, 599.974, 75.096),
    },
    "2026-03-20_10L_Int5MLP_MuonWD04_SWA50": {
        "42": ("1.14271194", 15965978, 600.037, 168.421),
        "1337": ("1.14298416", 15830186, 600.083, 168.222),
        "2024": ("1.14260369", 15684876, 600.034, 168.368),
    },
    "2026-03-20_11L_EfficientPartialXSA_FA3_SWA120": {
        "1337": ("1.13071416", 15892986, 600.04, 85.703),
    },
    "2026-03-20_11L_XSA4_EMA_Int6_MLP3x_WD04_1.1271": {
        "42": ("1.12862486", 15745973, 600.017, 84.494),
        "1337": ("1.12707468", 15534645, 600.021, 69.809),
        "2025": ("1.12835808", 15649516, 600.043, 70.072),
    },
    "2026-03-20_Int6_MLP3x_SmearGate_BigramHash_MuonWD_SWA": {
        "7": ("1.14491770", 15944907, 600.101, 155.292),
        "42": ("1.14656085", 15917304, 600.099, 154.937),
        "1337": ("1.14597222", 15862650, 600.075, 155.204),
    },
    "2026-03-21_11L_XSA4_EMA_PartialRoPE_LateQAT_1.1248": {
        "42": ("1.12498291", 15528666, 600.046, 72.687),
        "1337": ("1.12526734", 15639340, 600.099, 72.61),
        "2025": ("1.12484502", 15612308, 599.986, 72.659),
    },
    "2026-03-25_ValCalib_GPTQ_XSA_BigramHash3072": {
        "42": ("1.11437394", 15984850, 600.058, 77.178),
        "314": ("1.11508120", 15863278, 600.109, 105.09),
        "999": ("1.11475014", 15876310, 600.137, 77.15),
    },
    "2026-03-29_Loader_FullGPTQ_XSA11_BigramHash2816": {
        "42": ("1.11271417", 15980438, 586.2, 78.452),
        "1337": ("1.11183590", 15973962, 586.09, 78.358),
        "2025": ("1.11212378", 15983626, 586.065, 78.348),
    },
    "2026-03-31_ParallelResiduals_MiniDepthRecurrence": {
        "42": ("1.10774252", 15919617, 600.028, 88.309),
        "1337": ("1.10658225", 15942395, 600.085, 88.541),
        "2024": ("1.10443581", 15946657, 600.059, 88.816),
    },
    "2026-04-04_SP4096_DepthRecurrence_ParallelResid_MuonEqR": {
        "42": ("1.08938974", 15999533, 590.026, 76.195),
        "314": ("1.08982552", 15992752, 590.088, 76.573),
        "999": ("1.08993367", 15988473, 590.065, 76.691),
    },
    "2026-04-06_SP8192_HessianSDClip_ProgressiveRecurrence": {
        "42": ("1.08362987", 16058494, 588.098, 83.408),
        "1337": ("1.08300961", 16054963, 588.103, 82.837),
        "3141": ("1.08398828", 16059704, 588.016, 83.092),
    },
    "2026-04-06_SP8192_QK5_LegalTTT_1.0828": {
        "0": ("1.08209788", 15991018, 588.035, 293.43),
        "42": ("1.08314800", 15992546, 588.015, 289.945),
        "1234": ("1.08313564", 15989058, 588.071, 295.337),
    },
    "2026-04-08_SP8192_ParallelResid_ScoreFirstTTT": {
        "42": ("1.08261339", 15991486, 588.042, 343.415),
        "314": ("1.08222600", 15990916, 588.023, 297.922),
        "999": ("1.08169930", 15989602, 588.079, 302.255),
    },
    "2026-04-09_A2_Muon097_3Seed": {
        "0": ("1.07928348", 15993346, 588.052, 341.841),
        "42": ("1.07996676", 15992995, 588.045, 330.42),
        "1234": ("1.08024795", 15994604, 588.131, 335.172),
    },
    "2026-04-09_SP8192_3LayerRecur_ParResid_QK525_LegalTTT": {
        "42": ("1.08079352", 15991930, 588.047, 366.525),
        "314": ("1.08103103", 15992919, 588.119, 368.074),
        "999": ("1.08118408", 15993232, 588.014, 318.003),
    },
    "2026-04-10_VarLenAttn": {
        "0": ("1.07258208", 15996664, 587.193, 338.19),
        "1": ("1.07324696", 15993874, 587.061, 343.324),
        "2": ("1.07426259", 15984798, 587.072, 312.976),
    },
    "2026-04-13_VarLenAttn_PhasingTTT2000": {
        "0": ("1.07216564", 15996697, 587.091, 500.104),
        "1": ("1.07300174", 15995985, 587.073, 515.324),
        "2": ("1.07325147", 15988805, 587.175, 504.949),
    },
    "2026-04-16_SmearGate_AttentionOutputGate_ScoreFirstTTT": {
        "0": ("1.07139175", 15934411, 587.101, 234.066),
        "42": ("1.07220821", 15936229, 587.06, 228.818),
        "1337": ("1.07057187", 15939048, 587.083, 237.699),
    },
    "2026-04-19_SP8192_CaseOps_GatedAttn_QuantGate_Loop45_PhasedTTT": {
        "0": ("1.06473025", 15971476, 596.169, 399.334),
        "42": ("1.06610085", 15978834, 596.176, 396.853),
        "1234": ("1.06562743", 15975050, 596.083, 395.504),
    },
    "2026-04-22_SP8192_CaseOps_GatedAttn_QuantGate_Loop45_PhasedTTT_MLPClip12": {
        "1": ("1.06509678", 15979182, 596.056, 391.198),
        "314": ("1.06356801", 15979114, 596.091, 400.691),
        "777": ("1.06466993", 15971178, 596.066, 394.624),
        "1337": ("1.06516558", 15971129, 596.061, 390.156),
        "2025": ("1.06413130", 15977203, 596.136, 394.722),
    },
    "2026-04-27_SP8192_LQER_SparseGate_BOSSmearFix_9HpStack_1.0611": {
        "0": ("1.06124613", 15900947, 599.433, 455.128),
        "42": ("1.05989454", 15897259, 599.592, 508.785),
        "1234": ("1.06208695", 15907550, 599.544, 470.022),
    },
    "2026-04-27_SmearGateBOSFix_PR1787Base_LQERAsym_PhasedTTT": {
        "42": ("1.06128183", 15952086, 599.623, 519.546),
    },
    "2026-03-18_Quasi10Bfrom50B_SP1024_9x512_KV4_4h_pgut3": {
        "1337": ("1.20737944", 15810161, 14400.039, 1.356),
    },
    "2026-03-24_106M_Binary_Asymmetric_UNet_FP8_15L_8192BPE_YaRN_NeoMuon_Smear": {
        "42": ("1.1239", 15670651, 7763.355, 768.782),
    },
    "2026-03-26_37M_LeWM_Jepa_Mamba2_10L_UNet_INT4FP8QAT_Brotli": {
        "42": ("1.2064", None, 9738.936, 130.598),
    },
    "2026-03-30_ByteJEPA": {
        "1337": ("1.34960213", 15132832, 3600.476, 71.405),
    },
    "2026-04-05_118M_XNOR-Net_FP8_1024D_10L": {
        "7": ("1.5799", 15964152, 599.224, 427.692),
        "1337": ("1.5649", 15958791, 599.05, 427.419),
    },
    "2026-04-15_Mamba3Hybrid_SP8192_GPTQ_TTT": {
        "1337": ("1.14730259", 15930354, 600.164, 76.2),
    },
    "2026-04-30_Random_Linear_Adapter": {
        "1337": ("1.21837937", 15418110, 600.02, 2.314),
    },
}
NO_SCORE = {
    "2026-03-19_MLP3x_QAT_Int6_SlidingWindow": ["42", "123"],
    "2026-03-23_DGAttention_DavidGao": ["1337"],
    "2026-03-29_HNet_ByteVsSubword_Study": ["1337"],
    "2026-04-05_118M_XNOR-Net_FP8_1024D_10L": ["42"],
}
"""Seeds that are claimed or have logs, and no score beyond doubt."""
CLAIMED = {
    "2026-03-19_SwiGLU_WarmdownFix_QuarterBatch_1x5090": {"?": "1.32814313"},
    "2026-03-29_LLaDA_MDLM_Diffusion": {"42": "1.1465"},
}
"""Records without logs."""
CODES = """
2026-03-24_Chimera_TTT_PR611
    C2 C3 C4 implausible-gain unsupported-p margin-as-bpb bytes-differ time-last-step time time-process
2026-03-17_LoRA_TTT
    duplicate-seed single-seed bytes-differ code-bytes time-last-step time mixed-settings
2026-03-18_FP16Embed_WD3600
    best-seed bytes-differ time-last-step
2026-03-19_10L_MixedPrecision
    single-seed code-bytes
2026-03-19_MLP3x_QAT_Int6_SlidingWindow
    missing-logs seed-count single-seed mean-differs loss-differs unsupported-p
    time-last-step time-differs other-model
2026-03-19_Seq2048_FP16Emb_TunedLR
    best-seed time-last-step
2026-03-19_SlidingWindowEval
    single-seed time-last-step
2026-03-19_SlidingWindow_FP16Emb_10L_MuonWD_OvertoneInit
    unsupported-p bytes-differ code-bytes time-last-step steps-differ
2026-03-19_WarmdownQuantization
    single-seed code-bytes time-last-step
2026-03-19_smeargate_orthoinit_muonwd
    single-seed
2026-03-20_10L_Int5MLP_MuonWD04_SWA50
    no-headline loss-is-bpb population-std bytes-differ time-last-step
2026-03-20_11L_EfficientPartialXSA_FA3_SWA120
    single-seed code-bytes time-last-step
2026-03-20_11L_XSA4_EMA_Int6_MLP3x_WD04_1.1271
    duplicate-log best-seed bytes-differ time-last-step
2026-03-20_Int6_MLP3x_SmearGate_BigramHash_MuonWD_SWA
    std-differs bytes-differ time-last-step
2026-03-21_11L_XSA4_EMA_PartialRoPE_LateQAT_1.1248
    duplicate-log best-seed bytes-differ time-last-step
2026-03-25_ValCalib_GPTQ_XSA_BigramHash3072
    time-last-step
2026-03-29_Loader_FullGPTQ_XSA11_BigramHash2816
2026-03-31_ParallelResiduals_MiniDepthRecurrence
    time-last-step time-process
2026-04-04_SP4096_DepthRecurrence_ParallelResid_MuonEqR
    other-protocol
2026-04-06_SP8192_HessianSDClip_ProgressiveRecurrence
    duplicate-log loss-differs size bytes-differ steps-differ mixed-settings
2026-04-06_SP8192_QK5_LegalTTT_1.0828
2026-04-08_SP8192_ParallelResid_ScoreFirstTTT
    bytes-differ
2026-04-09_A2_Muon097_3Seed
    mixture
2026-04-09_SP8192_3LayerRecur_ParResid_QK525_LegalTTT
    mixed-settings
2026-04-10_VarLenAttn
    size-raw mixed-settings
2026-04-13_VarLenAttn_PhasingTTT2000
    population-std size-raw time-process
2026-04-16_SmearGate_AttentionOutputGate_ScoreFirstTTT
    size-raw bytes-differ
2026-04-19_SP8192_CaseOps_GatedAttn_QuantGate_Loop45_PhasedTTT
    size-raw
2026-04-22_SP8192_CaseOps_GatedAttn_QuantGate_Loop45_PhasedTTT_MLPClip12
    selected-seeds size-raw bytes-differ
2026-04-27_SP8192_LQER_SparseGate_BOSSmearFix_9HpStack_1.0611
    population-std size-raw time-process
2026-04-27_SmearGateBOSFix_PR1787Base_LQERAsym_PhasedTTT
    single-seed size-raw time-process
2026-03-18_Quasi10Bfrom50B_SP1024_9x512_KV4_4h_pgut3
    single-seed time
2026-03-19_SwiGLU_WarmdownFix_QuarterBatch_1x5090
    missing-logs pending single-seed
2026-03-23_DGAttention_DavidGao
    no-final-score pre-quant size time-last-step
2026-03-24_106M_Binary_Asymmetric_UNet_FP8_15L_8192BPE_YaRN_NeoMuon_Smear
    single-seed time
2026-03-26_37M_LeWM_Jepa_Mamba2_10L_UNet_INT4FP8QAT_Brotli
    duplicate-seed single-seed time time-last-step mixed-settings
2026-03-29_HNet_ByteVsSubword_Study
    duplicate-seed mean-differs time-last-step time mixed-settings
2026-03-29_LLaDA_MDLM_Diffusion
    missing-logs pending single-seed time
2026-03-30_ByteJEPA
    single-seed time
2026-04-05_118M_XNOR-Net_FP8_1024D_10L
    missing-submission duplicate-seed no-final-score time mixed-settings byte-count
2026-04-15_Mamba3Hybrid_SP8192_GPTQ_TTT
    single-seed time-last-step
2026-04-30_Random_Linear_Adapter
    seed-name duplicate-seed single-seed other-protocol time-last-step
"""
"""Every record and, indented, the codes of what is found in it."""


def _expected() -> dict[str, set[str]]:
    codes: dict[str, set[str]] = {}
    name = ""
    for line in CODES.strip().splitlines():
        if line.startswith(" "):
            codes[name] |= set(line.split())
        else:
            name = line
            codes[name] = set()
    return codes


EXPECTED = _expected()

pytestmark = pytest.mark.skipif(
    not PUBLIC.is_dir(), reason=f"public logs are no part of the project; CI has them in {PUBLIC}"
)


@pytest.fixture(scope="module")
def records() -> dict[str, record.Record]:
    return {path.name: record.build_record(folder.read_folder(path)) for path in folder.find_folders(PUBLIC)}


def test_all_records_are_found(records: dict[str, record.Record]) -> None:
    assert set(records) == set(EXPECTED)
    assert len(records) == 42


@pytest.mark.parametrize("name", EXPECTED)
def test_scores_sizes_and_seconds_are_the_logs(records: dict[str, record.Record], name: str) -> None:
    made = records[name]
    lines = {seed: made.score_of(seed) for seed in made.counted}
    seeds = {
        seed: (
            str(line.bpb),
            made.counted[seed].log.total_bytes,
            made.counted[seed].log.train_seconds,
            measures.measure_eval_seconds(made, made.counted[seed]),
        )
        for seed, line in lines.items()
        if line is not None
    }
    assert seeds == SEEDS.get(name, {})
    assert [seed for seed, score in made.scores.items() if score is None] == NO_SCORE.get(name, [])
    if name in CLAIMED:
        assert {seed: str(score) for seed, score in made.scores.items()} == CLAIMED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_findings_are_those_that_a_reader_makes(records: dict[str, record.Record], name: str) -> None:
    assert {finding.code for finding in findings.judge_record(records[name])} == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "unit", "tokenizer"),
    [  # bits per byte of a nat per token, from the loss and score on the first seed's own line
        ("2026-03-24_Chimera_TTT_PR611", 0.57114136 / 0.96434831, "fineweb_1024_bpe.model"),
        ("2026-04-10_VarLenAttn", 1.07258208 / 2.77059090, "fineweb_8192_bpe.model"),
        ("2026-04-27_SmearGateBOSFix_PR1787Base_LQERAsym_PhasedTTT", 1.06128183 / 2.32247803,
         "fineweb_8192_bpe_lossless_caps_caseops_v1_reserved.model"),
        ("2026-03-30_ByteJEPA", 1.34960213 / 0.93547291, "bytes"),
        ("2026-03-29_LLaDA_MDLM_Diffusion", None, None),
    ],
)  # fmt: skip
def test_units_and_tokenizers(
    records: dict[str, record.Record], name: str, unit: float | None, tokenizer: str | None
) -> None:
    assert measures.measure_bpb_per_nat(records[name]) == (None if unit is None else pytest.approx(unit, rel=1e-6))
    assert measures.find_tokenizer(records[name]) == tokenizer


def test_details_name_the_numbers(records: dict[str, record.Record]) -> None:
    def detail(name: str, code: str) -> str:
        return "; ".join(finding.detail for finding in findings.judge_record(records[name]) if finding.code == code)

    assert "0.001106" in detail("2026-04-27_SP8192_LQER_SparseGate_BOSSmearFix_9HpStack_1.0611", "population-std")
    assert "16,059,704" in detail("2026-04-06_SP8192_HessianSDClip_ProgressiveRecurrence", "size")
    assert "evaluation took 781.3 s as a whole (seed 7: eval.process)" in detail(
        "2026-03-24_Chimera_TTT_PR611", "time-process"
    )
    assert "p = 0.0031" in detail("2026-03-24_Chimera_TTT_PR611", "unsupported-p")
    assert "1.12801921" in detail("2026-03-20_11L_XSA4_EMA_Int6_MLP3x_WD04_1.1271", "best-seed")
    assert "prints seed 1337" in detail("2026-04-30_Random_Linear_Adapter", "seed-name")
    assert "646.4 s" in detail("2026-04-27_SP8192_LQER_SparseGate_BOSSmearFix_9HpStack_1.0611", "time-process")
