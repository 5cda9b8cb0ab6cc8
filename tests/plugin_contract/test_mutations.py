"""Packages that were damaged on their way: cut off, flipped, with parts put elsewhere; ``make fuzz`` hunts on."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin import FeedFormat, InvalidPackage, Manifest
from app.plugin.loading import load_plugins

BUILT_IN = load_plugins([Path(__file__).resolve().parent.parent.parent / "plugins"])
FORMATS = [BUILT_IN.formats[key] for key in sorted(BUILT_IN.formats)]
IDS = [format.key for format in FORMATS]


def read(format: FeedFormat, content: bytes, filename: str) -> Manifest | None:
    """Give what a format reads, or None for a refusal; any other error is a fault."""
    try:
        return format.read(io.BytesIO(content), filename)
    except InvalidPackage:
        return None


@pytest.mark.parametrize("format", FORMATS, ids=IDS)
def test_a_package_cut_off_anywhere_is_refused(format: FeedFormat) -> None:
    sample = format.kit().make(format.kit().names[0], "1.0.0")
    # What fills up a tar's last block carries nothing.
    meant = len(sample.content.rstrip(b"\0"))
    for percent in range(100):
        cut = sample.content[: meant * percent // 100]
        assert read(format, cut, sample.filename) is None, f"cut off at {percent} %"


@pytest.mark.parametrize("format", FORMATS, ids=IDS)
@given(data=st.data())
def test_damage_is_refused_or_harmless(format: FeedFormat, data: st.DataObject) -> None:
    sample = format.kit().make(format.kit().names[0], "1.0.0")
    content = bytearray(sample.content)
    for _ in range(data.draw(st.integers(1, 4), "changes")):
        at = data.draw(st.integers(0, len(content) - 1), "place")
        kind = data.draw(st.sampled_from(["flip", "drop", "insert", "repeat", "zero"]), "kind")
        length = data.draw(st.integers(1, 40), "length")
        match kind:
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7), "bit")
            case "drop":
                del content[at : at + length]
            case "insert":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=40), "bytes")
            case "repeat":
                content[at:at] = content[at : at + length]
            case "zero":
                content[at : at + length] = bytes(len(content[at : at + length]))
        if not content:
            break
    found = read(format, bytes(content), sample.filename)
    if found is not None:
        # Whatever was taken can be stored, listed and looked into.
        assert Manifest.from_json(found.to_json()) == found
        format.name_key(found.name), format.version_key(found.version)
        format.entries(io.BytesIO(bytes(content)))
