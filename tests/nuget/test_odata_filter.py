"""The language of ``$filter``: what NuGet's clients send means what they mean, everything else is refused plainly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import Invalid
from plugins.nuget.odata_filter import conjuncts, evaluate, flag, parse_filter, wanted_id

PACKAGE: dict[str, Any] = {
    "Id": "Acme.Http",
    "Version": "1.10.0",
    "NormalizedVersion": "1.10.0",
    "Title": "O'Brien's",
    "Description": "sends (and receives)",
    "Tags": " http PSModule ",
    "IsLatestVersion": True,
    "IsAbsoluteLatestVersion": False,
    "IsPrerelease": False,
    "DownloadCount": 5,
    "Published": datetime(2026, 11, 23, tzinfo=UTC),
    "Summary": None,
}


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("IsLatestVersion", True),
        ("IsAbsoluteLatestVersion", False),
        ("IsLatestVersion eq true", True),
        ("true eq IsLatestVersion", True),
        ("IsPrerelease eq false", True),
        ("not IsPrerelease", True),
        ("Id eq 'acme.http'", True),
        ("tolower(Id) eq 'acme.http'", True),
        ("(tolower(Id) eq 'other') or (tolower(Id) eq 'acme.http')", True),
        ("Id ne 'x' and IsLatestVersion", True),
        ("(Id ne null) and substringof('http',tolower(Id))", True),
        (
            "((Id ne null) and substringof('zip',tolower(Id))) or ((Tags ne null) and substringof(' psmodule ',Tags))",
            True,
        ),
        ("(Summary ne null) and substringof('x',tolower(Summary))", False),
        ("Summary eq null", True),
        ("substringof('PSModule', Tags) eq true", True),
        ("startswith(tolower(Id),'acme')", True),
        ("startswith(Id, 'http')", False),
        ("endswith(Id, '.HTTP')", True),
        ("indexof(Id, 'Http') eq 5", True),
        ("length(Id) gt 8", True),
        ("concat(Id, '!') eq 'acme.http!'", True),
        ("trim(Tags) eq 'http psmodule'", True),
        ("toupper(Id) eq 'ACME.HTTP'", True),
        ("NormalizedVersion gt '1.9.0'", True),
        ("NormalizedVersion ge '1.10'", True),
        ("NormalizedVersion lt '1.9'", False),
        ("Version eq '1.10.0.0'", True),
        ("'1.9' lt Version", True),
        ("NormalizedVersion ge '1.0' and NormalizedVersion le '2.0' and IsPrerelease eq false", True),
        ("Version eq 'nonsense'", False),
        ("Title eq 'O''Brien''s'", True),
        ("Description eq 'sends (and receives)'", True),
        ("DownloadCount ge 5", True),
        ("DownloadCount lt 4.5", False),
        ("DownloadCount eq 5L", True),
        ("Published gt datetime'2026-01-01T00:00:00'", True),
        ("Published le datetime'2026-01-01T00:00:00'", False),
        ("true or false and false", True),
        ("(true or false) and false", False),
        ("not (true and false)", True),
        ("  IsLatestVersion  AND  true ", True),
        ("Summary gt 'a'", False),
    ],
)
def test_an_expression_is_true_or_not(text: str, true: bool) -> None:
    assert bool(evaluate(parse_filter(text), PACKAGE)) is true


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Id eq", "its end"),
        ("Id eq 'x", "'x"),
        ("(Id eq 'x'", "its end"),
        ("Id eq 'x')", ")"),
        ("Id 'x'", "'x'"),
        ("Nonsense eq 1", "Nonsense"),
        ("id eq 'x'", "id eq"),
        ("cast(Id) eq 1", "cast"),
        ("Id eq 'x' xor true", "xor"),
        ("and", "and"),
        ("Id eq 'x';drop", ";drop"),
        ("startswith Id", "Id"),
        ("$it", "$it"),
        ("Id/Version eq 1", "/Version"),
        ("", "its end"),
    ],
)
def test_what_is_not_understood_is_shown(text: str, place: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_filter(text)
    assert "$filter is not understood at" in refusal.value.message
    assert place in refusal.value.message


@pytest.mark.parametrize(
    "text",
    [
        "substringof('x')",
        "tolower(Id, Id) eq 'x'",
        "Published gt datetime'yesterday'",
        "(" * 100 + "true" + ")" * 100,
        "not " * 100 + "true",
        "true or " * 2000 + "true",
        "Id eq '" + "x" * 5000 + "'",
    ],
)
def test_what_makes_no_sense_or_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_filter(text)


@pytest.mark.parametrize("text", ["tolower(DownloadCount) eq 'x'", "DownloadCount gt 'x'", "IsLatestVersion lt 'x'"])
def test_what_has_no_order_is_refused_when_it_is_decided(text: str) -> None:
    with pytest.raises(Invalid):
        evaluate(parse_filter(text), PACKAGE)


def test_demands_are_found_so_that_less_is_looked_at() -> None:
    parts = list(conjuncts(parse_filter("(IsLatestVersion eq true and tolower(Id) eq 'x') and IsPrerelease eq false")))
    assert [flag(part) for part in parts] == ["IsLatestVersion", None, None]
    assert [wanted_id(part) for part in parts] == [None, "x", None]
    either = list(conjuncts(parse_filter("IsLatestVersion or Id eq 'x'")))
    assert [(flag(part), wanted_id(part)) for part in either] == [(None, None)]
    assert wanted_id(parse_filter("'x' eq Id")) == "x"
    assert wanted_id(parse_filter("Id ne 'x'")) is None


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        evaluate(parse_filter(text), PACKAGE)
    except Invalid as refusal:
        assert refusal.message  # noqa: PT017


WORDS = st.sampled_from(["Id", "Version", "eq", "ne", "and", "or", "not", "(", ")", ",", "'x'", "5", "true", "null"])


@given(st.lists(st.one_of(WORDS, st.sampled_from(["tolower", "substringof", "Published", "datetime'2026-01-01'"]))))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    try:
        evaluate(parse_filter(" ".join(words)), PACKAGE)
    except Invalid as refusal:
        assert refusal.message  # noqa: PT017
