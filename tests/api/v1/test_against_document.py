"""Requests made from the document itself, good ones and bad ones: what is answered is what the document says.

``make fuzz`` hunts on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.web.api.v1.contents import OPERATIONS
from app.web.api.v1.documents import document
from tests.security.actors import NOBODY, World, here

load_all_checks()
HUNTING = hypothesis.settings().max_examples > 1000
EXAMPLES = 2000 if HUNTING else 6
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# What the world holds, so that requests find something.
HELD: dict[str, Any] = {
    "feed": here("npm"),
    "package": "left",
    "version": "1.0.0",
    "tag": "latest",
    "group": "crew",
    "user": "reader",
    "task": "own",
    "promotion": 1,
    "grant": 1,
    "key": 1,
}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give an installation with something of everything, made once."""
    world = World(tmp_path_factory.mktemp("document"))
    yield world
    world.runtime.database.close()


@pytest.fixture(scope="module")
def schema() -> Any:
    """Give the document as the generator reads it."""
    return schemathesis.openapi.from_dict(document())


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_answers_are_what_the_document_says(seeded: World, schema: Any, operation: Any, mode: GenerationMode) -> None:
    described = schema[operation.path][operation.method]
    try:
        cases = described.as_strategy(generation_mode=mode)
    except schemathesis.errors.SchemathesisError:
        pytest.skip("nothing can be wrong in it")
    if operation.writes:
        seeded.renew()
    keys = [seeded.credentials(who) for who in (NOBODY,)] + [
        {"X-ApiKey": seeded.secrets[name]} for name in ("key-system", "key-system", "reader")
    ]

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(cases, st.sampled_from(keys), st.booleans())
    def answers(case: Any, credentials: dict[str, str], found: bool) -> None:
        if found:
            parameters = case.path_parameters or {}
            case.path_parameters = {name: HELD.get(name, value) for name, value in parameters.items()}
            if case.query and "package" in case.query and mode is GenerationMode.POSITIVE:
                case.query["package"] = HELD["package"]
        answer = case.call(headers=credentials, app=seeded.app.wsgi_app)
        # What is wrong in an address is put right above, so only untouched requests must be refused.
        refused = [] if found or mode is GenerationMode.POSITIVE else [negative_data_rejection]
        case.validate_response(answer, checks=[*CHECKS, *refused])

    answers()


def test_what_the_document_does_not_say_is_noticed(seeded: World) -> None:
    seeded.renew()
    broken = copy.deepcopy(document())
    del broken["paths"]["/feeds/{feed}"]["get"]["responses"]["401"]
    broken["components"]["schemas"]["Feed"]["properties"]["name"]["type"] = "integer"
    described = schemathesis.openapi.from_dict(broken)["/feeds/{feed}"]["GET"]
    for credentials in ({}, {"X-ApiKey": seeded.secrets["key-system"]}):
        case = described.Case(path_parameters={"feed": here("npm")})
        answer = case.call(headers=credentials, app=seeded.app.wsgi_app)
        with pytest.raises(schemathesis.checks.FailureGroup):
            case.validate_response(answer, checks=CHECKS)
