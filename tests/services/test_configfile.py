"""The file of people and rights: what is no such file is refused by its line, and nothing in it runs away."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.services import configfile


def document(text: str) -> configfile.Document:
    return configfile.read(text.encode(), "rights.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rights.yaml, line 1: promontory: Field required"),
        ("promontory: 2", "line 1: promontory: Value error, this Promontory reads files that say"),
        ("promontory: true", "line 1: promontory: Input should be a valid integer"),
        ("- a", "line 1: Input should be a valid dictionary"),
        ("promontory: 1\nfly: 1", "line 2: fly: Extra inputs are not permitted"),
        ("promontory: 1\nusers:\n- name: a\n  password: x", "line 4: users.password: Extra inputs are not permitted"),
        ("promontory: 1\nusers:\n- name: 5", "line 3: users.name: Input should be a valid string"),
        ("promontory: 1\nusers:\n- name: no", "line 3: users.name: Input should be a valid string"),
        ("promontory: 1\nusers:\n- name: 2026-01-01", "line 3: users.name: Input should be a valid string"),
        ("promontory: 1\nusers:\n- {}", "line 3: users.name: Field required"),
        ("promontory: 1\nusers: {a: b}", "line 2: users: Input should be a valid list"),
        ("promontory: 1\ngrants:\n- task: T\n  principal: all", "line 4: grants.principal: Input should be"),
        ("promontory: 1\nusers:\n- name: a\n  name: b", "line 4: 'name' occurs twice"),
        ("promontory: 1\n? [a]\n: b", "line 2: a name is plain text"),
        ("a: &a [x]\nb: *a", "line 2: references (*name) are not read here"),
        ("a: &a {<<: *a}", "references (*name) are not read here"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: !!binary x", "rights.yaml"),
        ("a: 2026-99-99", "is no valid YAML"),
        ("a: [", "line 1:"),
        ("a: b: c", "line 1:"),
        ("--- a\n--- b", "line 2:"),
        ("a: \x00", "is no valid YAML"),
        ("[" * 100_000, "line 1: this is nested too deeply"),
        ("{a: " * 5_000, "line 1: this is nested too deeply"),
        ("a: " + "9" * 10_000, "is no valid YAML"),
        ("#" * 1_000_001, "passes the limit of 1,000,000 bytes"),
    ],
    ids=range(27),
)
def test_what_is_no_such_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid) as found:
        document(text)
    assert message in found.value.message
    assert len(found.value.message) < 400
    assert "\n" not in found.value.message.strip()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\xc3\x28", b"a: \xed\xa0\x80", b"\xef\xbb\xbfa"])
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        configfile.read(content)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(Invalid):
        assert configfile.read(content).config.promontory == 1
