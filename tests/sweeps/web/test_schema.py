"""Every endpoint with values that its description allows (Schemathesis): nothing fails, every answer is declared."""

import shutil
from pathlib import Path

import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.service import Service

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    unsupported_method,
]  # fmt: skip


schemathesis.serializer.alias("application/zip", "application/octet-stream")
STORE = "/api/v1/store/"
PAIRS = [f"{STORE}changed_jobs", f"{STORE}entries_needing"]
"""Schemathesis takes the two forms of a pair's parts (`prefixItems`) for one of a list, and finds that no form."""
EXAMPLES, STORE_EXAMPLES = 10, 3
"""Requests of each endpoint; those of the store are many, and made in one way."""


def test_every_answer_is_one_that_is_described(place: Workplace, tmp_path: Path) -> None:
    copy = Workplace.open(shutil.copytree(place.home.root, tmp_path / "copy"))  # what is sent may change something
    token = copy.store.create_token(Scope.ADMIN, "anna", days=1).text
    client = TestClient(make_app(Service(place=copy, host="127.0.0.1", port=0, requests_per_minute=100_000)))
    headers = {"Host": "localhost", "Authorization": f"Bearer {token}"}
    # Streams do not end; the tests of a running server follow them.
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app, headers=headers).exclude(path_regex="/events$")
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        examples = STORE_EXAMPLES if operation.path.startswith(STORE) else EXAMPLES

        @settings(max_examples=examples, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            checks = [each for each in CHECKS if each != response_schema_conformance or case.path not in PAIRS]
            case.validate_response(case.call(headers=headers), checks=checks, headers=headers)

        check()
    assert len(operations) >= 60
    copy.store.close()
