"""Every operation of the API answers whatever OpenAPI allows, and forbids, as it says it does."""

from typing import Any

import hypothesis
import schemathesis
from schemathesis.checks import CHECKS as KNOWN

from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint

NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
)
FEW = hypothesis.settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def test_every_operation_answers_as_documented(api: str) -> None:
    """No 5xx, documented shapes and types, problems for errors, 401 without a token."""
    schema: Any = schemathesis.openapi.from_url(f"{api}/openapi.json")
    token = {"Authorization": f"Bearer {mint(settings(), 'admin', 'fuzz')}"}
    checks: Any = KNOWN.get_by_names(NAMES)
    wrong = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @FEW
        @hypothesis.given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            case.call_and_validate(base_url=api, headers=token, checks=checks)

        try:
            answers()
        except (Exception, BaseExceptionGroup) as error:
            parts = getattr(error, "exceptions", [error])
            wrong += [f"{operation.label}: {part!s:.600}" for part in parts]
    assert not wrong, "\n".join(wrong)
