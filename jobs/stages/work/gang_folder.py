"""Files of a gang's folder by which its processes know their job, and say why they failed."""

import json
import os
from pathlib import Path

from golf.files import write_atomically
from jobs.events import Failure
from jobs.failures import classify, reason_of
from jobs.spec import Job, Order

ORDER = "order.json"


def write_order(folder: Path, order: Order) -> None:
    """Leave an order in a gang's folder."""
    content = {"job": order.job.canonical(), "places": dict(order.places), "label": order.label, "sweep": order.sweep}
    write_atomically(folder / ORDER, json.dumps(content).encode())


def read_order(folder: Path) -> Order:
    """Read it back."""
    content = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    return Order(
        job=Job.from_json(content["job"]),
        places=content["places"],
        label=content["label"],
        sweep=content["sweep"],
    )


def write_error(folder: Path, error: Exception) -> None:
    """Leave what this rank failed of."""
    failure = classify(error, folder.parent.parent)
    content = {"failure": failure, "reason": reason_of(error)}
    write_atomically(folder / f"error.{os.environ.get('RANK', '0')}.json", json.dumps(content).encode())


def read_errors(folder: Path) -> list[tuple[Failure, str]]:
    """What the ranks of a gang say that they failed of, causes before consequences."""
    errors = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("error.*.json"))]
    causes = [(Failure(error["failure"]), str(error["reason"])) for error in errors]
    return sorted(causes, key=lambda error: error[0] == Failure.COLLECTIVE)
