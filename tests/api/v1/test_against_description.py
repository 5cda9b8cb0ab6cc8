"""Thousands of requests that the description allows, and many that it does not: never a fault, always as described."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

from app.bootstrap import open_runtime
from app.services import people
from app.services.runtime import owner
from app.settings import load_settings
from app.web import create_app
from app.web.api.v1.operations import OPERATIONS, Operation
from tests.fixtures import make_feeds, make_key, publish_sample

EXAMPLES = 12
# What matters here: no fault of ours, and no answer that the description does not have.
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenApiSchema]:
    """Give the description of a running installation, with a key that may do everything in every request."""
    runtime = open_runtime(load_settings(data=tmp_path_factory.mktemp("v1"), port=0))
    make_feeds(runtime, "npm", "prod")
    make_feeds(runtime, "npm", "dev", targets=["prod"], group="team")
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        publish_sample(runtime, "dev", "left", version)
    with runtime.writing(owner("sam")) as work:
        people.create_user(work, "ann", "an orchard of plums")
        people.create_group(work, "crew", ["ann"])
    key = make_key(runtime, "system", "tests")
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", create_app(runtime))
    schema.config.update(headers={"X-ApiKey": key})
    yield schema
    runtime.database.close()


HUNT = settings.get_current_profile_name() == "hunt"


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["described", "not described"])
@pytest.mark.parametrize("made", OPERATIONS, ids=lambda made: made.name)
def test_every_answer_is_as_described(described: OpenApiSchema, made: Operation, mode: GenerationMode) -> None:
    operation = described[made.path][made.method]

    @settings(max_examples=100_000 if HUNT else EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    try:
        answers()
    except Unsatisfiable:
        assert (mode, made.query, made.body) == (GenerationMode.NEGATIVE, None, None)
