"""Contract, part 2: a format reads its package files, and refuses every other file with InvalidPackage."""
# ruff: noqa: D102 - the names of tests are sentences

from __future__ import annotations

import json
import re
import time
import unicodedata
from io import BytesIO
from random import Random

import pytest

from app.plugin import FeedFormat, FormatKit, InvalidPackage, Manifest, NotFound, Sample
from app.testing.specimens import one_sample, stable_versions

PATIENCE = 10.0
"""Seconds that reading one small hostile file may take."""

FOREIGN_FILES = {
    "empty": b"",
    "one byte": b"\0",
    "text": b"hello\n",
    "page": b"<!doctype html><title>Sign in</title>",
    "json": b"{}",
    "deep json": b"[" * 200_000,
    "zip signature": b"PK\x03\x04",
    "empty zip": b"PK\x05\x06" + bytes(18),
    "gzip signature": b"\x1f\x8b\x08\0\0\0\0\0\0\3",
    "zeros": bytes(100_000),
    "noise": Random(1).randbytes(50_000),  # noqa: S311 - the same noise each time
}


class ReadingContract:
    """Test what a file says about itself, and that hostile files do nothing but be refused."""

    def test_a_file_says_its_name_and_version(self, format: FeedFormat, kit: FormatKit) -> None:
        for name in kit.names:
            sample = one_sample(format, kit, name)
            manifest = _read(format, sample)
            assert (sample.name, sample.version) == (manifest.name, manifest.version)
            assert format.name_key(manifest.name) == format.name_key(name)

    def test_every_version_of_the_chain_can_be_packed_and_read(self, format: FeedFormat, kit: FormatKit) -> None:
        for version in kit.order:
            sample = kit.make(kit.names[0], version)
            assert format.version_key(_read(format, sample).version) == format.version_key(version)

    def test_a_file_is_known_by_its_bytes_and_not_by_its_file_name(self, format: FeedFormat, kit: FormatKit) -> None:
        sample = one_sample(format, kit)
        for filename in ("", "upload", "../../etc/passwd", "x.html"):
            assert format.read(BytesIO(sample.content), filename) == _read(format, sample)

    def test_a_manifest_survives_json(self, format: FeedFormat, kit: FormatKit) -> None:
        manifest = _read(format, one_sample(format, kit))
        text = json.dumps(manifest.to_json(), allow_nan=False)
        assert Manifest.from_json(json.loads(text)) == manifest

    def test_file_names_are_safe_and_tell_versions_apart(self, format: FeedFormat, kit: FormatKit) -> None:
        versions = stable_versions(format, kit, 3)
        names = [format.filename(_read(format, kit.make(kit.names[0], version))) for version in versions]
        assert len(set(names)) == len(names)
        for name in names:
            assert re.fullmatch(r"[\x21-\x7e]{1,255}", name), f"{name!r} is no safe file name"
            assert not set(name) & set('/\\:*?"<>|'), f"{name!r} is no safe file name"
            assert not name.startswith("."), f"{name!r} is a hidden file"

    def test_samples_carry_the_file_name_that_the_format_gives(self, format: FeedFormat, kit: FormatKit) -> None:
        sample = one_sample(format, kit)
        assert sample.filename == format.filename(_read(format, sample))

    def test_dependencies_are_such_as_the_format_understands(self, format: FeedFormat, kit: FormatKit) -> None:
        for dependency in _read(format, one_sample(format, kit)).dependencies:
            assert format.name_key(dependency.name)

    def test_entries_are_listed_and_read(self, format: FeedFormat, kit: FormatKit) -> None:
        content = one_sample(format, kit).content
        entries = [entry for entry in format.entries(BytesIO(content)) if entry.size]
        assert entries, "a sample needs at least one file that is not empty"
        for entry in entries:
            assert len(format.read_entry(BytesIO(content), entry.path, entry.size + 1)) == entry.size

    def test_an_entry_is_read_up_to_the_limit(self, format: FeedFormat, kit: FormatKit) -> None:
        content = one_sample(format, kit).content
        path = next(entry.path for entry in format.entries(BytesIO(content)) if entry.size)
        assert len(format.read_entry(BytesIO(content), path, 1)) == 1

    def test_an_entry_that_is_not_there_is_not_found(self, format: FeedFormat, kit: FormatKit) -> None:
        content = one_sample(format, kit).content
        for path in ("no/such/file", "", "/", "../../etc/passwd", "package", "\0", "a" * 70_000):
            with pytest.raises((NotFound, InvalidPackage)):
                format.read_entry(BytesIO(content), path, 10)

    def test_hostile_files_are_refused(self, format: FeedFormat, kit: FormatKit) -> None:
        for what, content in kit.hostile.items():
            started = time.process_time()
            with pytest.raises(InvalidPackage):
                pytest.fail(f"{what!r} was taken as {format.read(BytesIO(content), 'hostile')!r:.200}")
            assert time.process_time() - started < PATIENCE, f"refusing {what!r} took too long"

    def test_foreign_files_are_refused(self, format: FeedFormat) -> None:
        for what, content in FOREIGN_FILES.items():
            with pytest.raises(InvalidPackage):
                pytest.fail(f"{what!r} was taken as {format.read(BytesIO(content), 'foreign')!r:.200}")

    def test_refusals_are_plain_short_sentences(self, format: FeedFormat, kit: FormatKit) -> None:
        for content in (*kit.hostile.values(), *FOREIGN_FILES.values()):
            with pytest.raises(InvalidPackage) as refusal:
                format.read(BytesIO(content), "hostile")
            message = refusal.value.message
            assert 10 < len(message) < 1000
            assert not [c for c in message if unicodedata.category(c) in ("Cc", "Cs")], (
                f"control characters: {message!r}"
            )

    def test_a_cut_file_is_refused_or_read_and_nothing_else(self, format: FeedFormat, kit: FormatKit) -> None:
        content = one_sample(format, kit).content
        for length in range(0, len(content), max(1, len(content) // 60)):
            _read_or_refuse(format, content[:length])

    def test_a_damaged_file_is_refused_or_read_and_nothing_else(self, format: FeedFormat, kit: FormatKit) -> None:
        content, dice = one_sample(format, kit).content, Random(2)  # noqa: S311 - the same damage each time
        for _ in range(200):
            damaged = bytearray(content)
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            _read_or_refuse(format, bytes(damaged))

    def test_looking_into_hostile_files_is_refused_or_harmless(self, format: FeedFormat, kit: FormatKit) -> None:
        for content in (*kit.hostile.values(), *FOREIGN_FILES.values()):
            started = time.process_time()
            try:
                entries = format.entries(BytesIO(content))
                for entry in entries[:3]:
                    assert len(format.read_entry(BytesIO(content), entry.path, 100)) <= 100
            except (InvalidPackage, NotFound):
                pass
            assert time.process_time() - started < PATIENCE


def _read(format: FeedFormat, sample: Sample) -> Manifest:
    return format.read(BytesIO(sample.content), sample.filename)


def _read_or_refuse(format: FeedFormat, content: bytes) -> None:
    try:
        assert isinstance(format.read(BytesIO(content), "damaged"), Manifest)
    except InvalidPackage:
        return
