"""The claim that `golfsweep prove` tests: a confirmed entry of the store, or an artifact file with documents."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from golf.artifact.packing import load_bytes, read_artifact
from golf.data.texts import read_texts, require_text
from golf.data.tokens import Tokenizer, Tokens
from golf.errors import InputError, shown_name
from golf.model.gpt import GPT
from golf.model.precision import Precision
from golf.proof.codec import Predictor
from golf.proof.predict import length_uses
from golf.proof.proof import ProgressCallback, prove
from golf.score import bits_per_byte
from golf.selftest import LIMITS
from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate
from jobs.scores import read_table
from jobs.stages.work.documents import eval_documents
from jobs.stages.work.settings import settings_of
from jobs.workplace import Workplace
from sweeps.driver.chain import JobChain
from sweeps.driver.sweep import Sweep
from sweeps.entries.checking import verify_entry
from sweeps.entries.checking.mismatch import check_input, find_job, say_no_job
from sweeps.entries.names import EntryName, list_entries, match_entries, resolve_entry
from sweeps.entries.reading import read_entry
from sweeps.spec.recipe import Recipe

EXACT: Precision = "float32"
"""The precision of the proof."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnScore:
    """The score in the entry's own precision, where that is not the one of the proof."""

    precision: str
    nll: float
    """Nats over the documents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Documents, how they were scored, and their score."""

    name: str
    predictor: Predictor
    documents: Sequence[Tokens]
    tokenizer: Tokenizer
    text_bytes: int
    """UTF-8 bytes of what the documents predict."""
    nll: float
    """Claimed nats over the documents, in float32."""
    own: OwnScore | None
    """None if the score was computed in float32."""

    @property
    def tokens(self) -> int:
        """Number of predicted tokens."""
        return sum(len(document) - 1 for document in self.documents)


def claim_entry(name: str, place: Workplace, documents: int, seed: int | None) -> Claim:
    """Take the first validation documents of a confirmed entry, and their score in the store.

    Args:
        name: SWEEP/ENTRY, or ENTRY of the latest sweep.
        place: the home that holds it.
        documents: number of documents.
        seed: one of the entry's seeds; None is its first.

    Raises:
        InputError: no such entry or seed, too many documents, a protocol without a decoder, or an entry that its jobs
            or its evidence contradict.
    """
    chain = _find_chain(name, place, seed)
    if not isinstance(chain.measurement.recipe, Recipe):
        raise InputError(f"{name}: a script's predictions are not known here; prove takes entries of a [recipe]")
    _refuse_altered(name, chain, place)
    order = chain.jobs[chain.scored.name].order
    config, content = settings_of(EvalConfig, order.job.settings["eval"]), place.files.get(order.job.inputs["artifact"])
    predictor = Predictor(artifact=content, config=_exact(config), seed=order.job.seed)
    tokens, num_bytes = eval_documents(order)
    chosen = _take_first(tokens, documents, order.places["tokens"])
    scores = read_table(place.files.get(chain.outputs(chain.scored.name)["scores"]))["nll"].to_numpy()
    nll, own = float(scores[:documents].sum()), None
    precision = order.job.machine.precision(config.precision)
    if precision != EXACT:
        own = OwnScore(precision=precision, nll=nll)
        nll = _score(load_bytes(content, "artifact"), chosen, _exact(config), order.job.seed)
    return Claim(
        name=f"{order.sweep}/{chain.entry}",
        predictor=predictor,
        documents=chosen,
        tokenizer=Tokenizer(Path(order.places["tokenizer"])),
        text_bytes=sum(num_bytes[:documents]),
        nll=nll,
        own=own,
    )


def claim_artifact(
    path: Path, tokens: Sequence[Path], tokenizer: Path, config: EvalConfig, documents: int, seed: int
) -> Claim:
    """Take the first documents of token shards, and score them with the engine on this machine's CPU.

    Raises:
        InputError: a file is missing, damaged or of another format, or does not fit the others; or the protocol has no
            decoder.
    """
    content = read_artifact(path)
    predictor = Predictor(artifact=content, config=_exact(config), seed=seed)
    pieces, model = Tokenizer(tokenizer), load_bytes(content, str(path))
    if model.config.vocab_size != pieces.vocab_size:
        raise InputError(
            f"{tokenizer}: {pieces.vocab_size} pieces; the model {path} has a vocabulary of {model.config.vocab_size}"
        )
    texts = read_texts(tokens, pieces)
    chosen, num_bytes = _take_first(texts.documents, documents, str(tokens[0])), texts.num_bytes[:documents]
    require_text(num_bytes, str(tokens[0]))
    own = None
    if config.precision not in ("auto", EXACT):
        own = OwnScore(precision=config.precision, nll=_score(model, chosen, config, seed))
    return Claim(
        name=str(path),
        predictor=predictor,
        documents=chosen,
        tokenizer=pieces,
        text_bytes=sum(num_bytes),
        nll=_score(model, chosen, _exact(config), seed),
        own=own,
    )


def prove_claim(claim: Claim, show: ProgressCallback) -> dict[str, Any]:
    """Prove a claim, and return the result as plain data."""
    proof = prove(claim.documents, claim.predictor, claim.tokenizer, claim.text_bytes, claim.nll, show)
    config = claim.predictor.config
    facts = {"name": claim.name, "protocol": config.protocol, "seed": claim.predictor.seed}
    return {
        "proved": proof.proved,
        "reason": proof.reason,
        **facts,
        **asdict(proof),
        **_doubt_own_score(claim),
        "length_uses": length_uses(config),
        **({} if claim.own is None else {"own_precision": _compare_precisions(claim, claim.own)}),
    }


def _doubt_own_score(claim: Claim) -> dict[str, Any]:
    """Why a stored score is not proved, if it is further from the one in float32 than rounding explains."""
    if claim.own is None:
        return {}
    difference, limit = (claim.own.nll - claim.nll) / claim.tokens, LIMITS[claim.own.precision]
    if abs(difference) <= limit:
        return {}
    what = f"in {claim.own.precision} the score is {difference:+.3g} nats per token from that in float32"
    return {"proved": False, "reason": f"{what}; rounding explains {limit:g}"}


def _compare_precisions(claim: Claim, own: OwnScore) -> dict[str, Any]:
    """How far the score in the entry's own precision is from the one that is proved."""
    difference = own.nll - claim.nll
    return {
        "precision": own.precision,
        "bpb": bits_per_byte(own.nll, claim.text_bytes),
        "difference_bpb": bits_per_byte(difference, claim.text_bytes),
        "difference_nats": difference / claim.tokens,
    }


def _exact(config: EvalConfig) -> EvalConfig:
    """The settings of the proof, which runs on a CPU: it may lack the attention kernel, and needs float32."""
    return replace(config, precision=EXACT, attention="auto")


def _score(model: GPT, documents: Sequence[Tokens], config: EvalConfig, seed: int) -> float:
    """The loss of all documents on this machine's CPU, in nats."""
    return float(evaluate(model, documents, config, seed=seed).nll.sum())


def _find_chain(name: str, place: Workplace, seed: int | None) -> JobChain:
    sweeps = place.store.sweeps()
    if not sweeps:
        raise InputError(
            f"{shown_name(name)}: no such file, and no sweep in {place.home.root} has an entry of that name"
        )
    latest, known = sweeps[-1].name, list_entries(place)
    before, slash, after = name.partition("/")
    if match_entries(name, known, latest):
        meant = resolve_entry(name, known, latest=latest)
        if not meant.sweep:
            raise InputError(f"{shown_name(name)}: a public record, whose model is not here; name an entry of a sweep")
    else:  # perhaps of an entry that is confirmed and not written down yet
        stored = place.store.sweep(before) if slash else None
        meant = EntryName(sweep=before, name=after) if stored else EntryName(sweep=latest, name=name)
    record = place.store.sweep(meant.sweep)
    assert record is not None  # an entry has its sweep
    sweep, entry = Sweep.from_json(record.spec), meant.name
    driver = sweep.driver(place.store, read_only=True)
    driver.step()
    confirmed = driver.confirmed()
    chains = [chain for chain in confirmed if chain.entry == entry]
    if not chains:
        others = ", ".join(dict.fromkeys(chain.entry for chain in confirmed)) or "none yet"
        raise InputError(
            f"{shown_name(name)}: no such file, and sweep {sweep.spec.name} has no such entry; confirmed are: {others}"
        )
    for chain in chains:
        if seed in (None, chain.measurement.seed):
            return chain
    seeds = ", ".join(str(chain.measurement.seed) for chain in chains)
    raise InputError(f"--seed {seed}: entry {entry} has no such seed; it has {seeds}")


def _refuse_altered(name: str, chain: JobChain, place: Workplace) -> None:
    """Refuse an entry whose jobs or evidence somebody has changed: its score would not be the one that is shown."""
    made: dict[str, Any] = {}
    for stage, job in chain.jobs.items():
        if find_job(job.key, stage, {job.key: job}) is None:
            raise InputError(f"{name}: {say_no_job(stage, job.key)}")
        for line in check_input(stage, job, made):
            raise InputError(f"{name}: {line}")
        made |= job.outputs or {}
    entry = read_entry(chain.jobs[chain.scored.name].order.sweep, chain.entry, place)
    mismatches = [] if entry is None else verify_entry(entry, place)
    if lines := [mismatch.line for mismatch in mismatches if mismatch.lost is None]:
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise InputError(f"{name}: its evidence contradicts it: {lines[0]}{more}")


def _take_first(documents: Sequence[Tokens], wanted: int, where: str) -> Sequence[Tokens]:
    if not 1 <= wanted <= len(documents):
        raise InputError(f"--documents {wanted}: {where} has {len(documents)}; give a number from 1 to that")
    return documents[:wanted]
