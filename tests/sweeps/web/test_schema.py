"""Every endpoint with values that its description allows (Schemathesis): nothing fails, every answer is declared."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from jobs.state import Scope
from tests.sweeps.web.conftest import Connect

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    unsupported_method,
]  # fmt: skip


schemathesis.serializer.alias("application/zip", "application/octet-stream")
EXAMPLES = 10
"""Requests of each endpoint."""


def test_every_answer_is_one_that_is_described(connect: Connect) -> None:
    client = connect(Scope.ADMIN)
    headers = {"Host": "localhost", "Authorization": client.headers["Authorization"]}
    # Streams do not end; the tests of a running server follow them.
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app, headers=headers).exclude(path_regex="/events$")
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:

        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True)
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            case.validate_response(case.call(headers=headers), checks=CHECKS, headers=headers)

        check()
    assert len(operations) >= 12
