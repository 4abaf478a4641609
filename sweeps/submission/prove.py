"""What `golfsweep prove` proves: a confirmed row out of the store, or an artifact file with documents beside it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from golf.artifact.packing import load_bytes
from golf.data.texts import read_texts, require_text
from golf.data.tokens import Tokenizer, Tokens
from golf.errors import InputError
from golf.proof.codec import Predictor
from golf.proof.predict import length_uses
from golf.proof.proof import Show, prove
from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate
from jobs.scores import read_table
from jobs.stages.work.documents import eval_documents
from jobs.stages.work.settings import settings_of
from jobs.workplace import Workplace
from sweeps.run.chain import JobChain
from sweeps.run.objective import SCORED
from sweeps.spec.sweep import Sweep


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Documents, how they were scored, and what the score is."""

    name: str
    predictor: Predictor
    documents: Sequence[Tokens]
    tokenizer: Tokenizer
    text_bytes: int
    """UTF-8 bytes that the documents predict."""
    nll: float
    """Nats that the documents are said to take."""

    @property
    def tokens(self) -> int:
        return sum(len(document) - 1 for document in self.documents)


def claim_of_row(name: str, place: Workplace, documents: int, seed: int | None) -> Claim:
    """The first validation documents of a confirmed row, with the score that the store has of them.

    Args:
        name: SWEEP/ROW, or the ROW of the latest sweep.
        place: the home that holds it.
        documents: how many.
        seed: which of the row's; its first where None.

    Raises:
        InputError: no such row, seed or number of documents, or a protocol without a decoder.
    """
    chain = _chain(name, place, seed)
    order = chain.jobs[SCORED].order
    # The proof runs on the CPU, which may lack the kernel that was asked for; kernels differ in rounding alone.
    config = replace(settings_of(EvalConfig, order.job.settings["eval"]), attention="auto")
    predictor = Predictor(artifact=place.files.get(order.job.inputs["artifact"]), config=config, seed=order.job.seed)
    found, num_bytes = eval_documents(order)
    nll = read_table(place.files.get(chain.outputs(SCORED)["scores"]))["nll"].to_numpy()
    return Claim(
        name=f"{order.sweep}/{chain.entry}",
        predictor=predictor,
        documents=_first(found, documents, order.places["tokens"]),
        tokenizer=Tokenizer(Path(order.places["tokenizer"])),
        text_bytes=sum(num_bytes[:documents]),
        nll=float(nll[:documents].sum()),
    )


def claim_of_artifact(
    path: Path, tokens: Sequence[Path], tokenizer: Path, config: EvalConfig, documents: int, seed: int
) -> Claim:
    """The first documents of token shards, with the score that the engine gives them on this machine's CPU.

    Raises:
        InputError: a file is missing, damaged or foreign, or they do not belong together; a protocol without a decoder.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected an artifact") from None
    predictor = Predictor(artifact=content, config=config, seed=seed)
    pieces, model = Tokenizer(tokenizer), load_bytes(content, str(path))
    if model.config.vocab_size != pieces.vocab_size:
        raise InputError(
            f"{tokenizer}: {pieces.vocab_size} pieces; the model {path} has a vocabulary of {model.config.vocab_size}"
        )
    texts = read_texts(tokens, pieces)
    found, num_bytes = _first(texts.documents, documents, str(tokens[0])), texts.num_bytes[:documents]
    require_text(num_bytes, str(tokens[0]))
    nll = float(evaluate(model, found, config, seed=seed).nll.sum())
    return Claim(
        name=str(path), predictor=predictor, documents=found, tokenizer=pieces, text_bytes=sum(num_bytes), nll=nll
    )


def report(claim: Claim, show: Show) -> dict[str, Any]:
    """Prove a claim; what came of it as plain data."""
    proof = prove(claim.documents, claim.predictor, claim.tokenizer, claim.text_bytes, claim.nll, show)
    config = claim.predictor.config
    facts = {"name": claim.name, "protocol": config.protocol, "seed": claim.predictor.seed}
    return {
        "proved": proof.proved,
        "reason": proof.reason,
        **facts,
        **asdict(proof),
        "length_uses": length_uses(config),
    }


def _chain(name: str, place: Workplace, seed: int | None) -> JobChain:
    sweeps = place.store.sweeps()
    if not sweeps:
        raise InputError(f"{name}: no such file, and no sweep in {place.home.root} has a row of that name")
    before, _, after = name.partition("/")
    stored = place.store.sweep(before) if after else None
    sweep = Sweep.from_json((stored or sweeps[-1]).spec)
    row = after if stored else name
    driver = sweep.driver(place.store, read_only=True)
    driver.step()
    confirmed = driver.confirmed()
    rows = [chain for chain in confirmed if chain.entry == row]
    if not rows:
        known = ", ".join(dict.fromkeys(chain.entry for chain in confirmed)) or "none yet"
        raise InputError(f"{name}: no such file, and sweep {sweep.spec.name} has no such row; confirmed are: {known}")
    for chain in rows:
        if seed in (None, chain.measurement.seed):
            return chain
    seeds = ", ".join(str(chain.measurement.seed) for chain in rows)
    raise InputError(f"--seed {seed}: row {row} has no such seed; it has {seeds}")


def _first(documents: Sequence[Tokens], wanted: int, where: str) -> Sequence[Tokens]:
    if not 1 <= wanted <= len(documents):
        raise InputError(f"--documents {wanted}: {where} has {len(documents)}; ask for 1 to that many")
    return documents[:wanted]
