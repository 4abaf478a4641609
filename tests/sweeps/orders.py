"""Orders of single stages, their inputs given by hand."""

from jobs.spec import Order
from jobs.stages.audit import AUDIT
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.request import DocumentSet
from jobs.stages.train import TRAIN
from sweeps.spec.orders import Measurement, OrderBook
from sweeps.spec.recipe import Recipe

WEIGHTS, ARTIFACT = "w" * 64, "a" * 64
VAL = DocumentSet(split="val")


def train(book: OrderBook, recipe: Recipe, seed: int = 1) -> Order:
    return book.order(TRAIN, Measurement(recipe=recipe, seed=seed, documents=VAL, entry=None))


def quantize(
    book: OrderBook, recipe: Recipe, documents: DocumentSet = VAL, seed: int = 1, weights: str = WEIGHTS
) -> Order:
    subject = Measurement(recipe=recipe, seed=seed, documents=documents, entry=None)
    return book.order(QUANTIZE, subject, {"weights": weights})


def evaluate(
    book: OrderBook,
    recipe: Recipe,
    documents: DocumentSet = VAL,
    seed: int = 1,
    entry: str = "row",
    artifact: str = ARTIFACT,
) -> Order:
    subject = Measurement(recipe=recipe, seed=seed, documents=documents, entry=entry)
    return book.order(EVALUATE, subject, {"artifact": artifact})


def audit(book: OrderBook, recipe: Recipe, seed: int = 1, entry: str = "row", artifact: str = ARTIFACT) -> Order:
    subject = Measurement(recipe=recipe, seed=seed, documents=VAL, entry=entry)
    return book.order(AUDIT, subject, {"artifact": artifact})
