"""The check finds every kind of damage, and the sweep removes what nothing refers to and nothing else."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.domain.errors import Conflict, Forbidden
from app.plugin.format import Manifest
from app.services import fsck, promotions, publishing
from app.services.fsck import Kind
from app.services.runtime import Actor, Runtime, owner
from app.storage.blobs import LocalBlobStore
from app.storage.models import Event
from tests.fixtures import make_feeds, publish_sample

ME = owner("sam")


@pytest.fixture
def stocked(runtime: Runtime) -> Runtime:
    """Give an installation with two feeds, two packages and a promotion."""
    return stock(runtime)


def stock(runtime: Runtime) -> Runtime:
    make_feeds(runtime, "npm", "dev", "prod")
    publish_sample(runtime, "dev", "one", "1.0.0")
    publish_sample(runtime, "dev", "two", "2.0.0")
    wanted = (promotions.Wanted("one", "1.0.0"),)
    promotions.promote(runtime, ME, promotions.PromotionRequest("dev", "prod", wanted, "fine"))
    return runtime


def findings(runtime: Runtime, *, deep: bool = False) -> list[fsck.Finding]:
    with runtime.reading(ME) as work:
        return fsck.check(work, deep=deep)


def kinds(runtime: Runtime, *, deep: bool = False) -> set[Kind]:
    return {finding.kind for finding in findings(runtime, deep=deep)}


def run(runtime: Runtime, statement: str) -> None:
    with runtime.database.writer.begin() as connection:
        connection.execute(text(statement))


def a_blob(runtime: Runtime) -> Path:
    assert isinstance(runtime.blobs, LocalBlobStore)
    return runtime.blobs.path(next(iter(runtime.blobs.list())))


def test_a_sound_installation_has_no_findings(stocked: Runtime) -> None:
    assert findings(stocked, deep=True) == []


def test_an_empty_installation_has_no_findings(runtime: Runtime) -> None:
    assert findings(runtime, deep=True) == []


def test_only_who_may_configure_may_check(stocked: Runtime) -> None:
    with pytest.raises(Forbidden), stocked.reading(Actor("ann", user_id=7)) as work:
        fsck.check(work)
    with pytest.raises(Forbidden):
        fsck.sweep(stocked, Actor("ann", user_id=7))


def test_missing_bytes_are_found(stocked: Runtime) -> None:
    a_blob(stocked).unlink()
    assert kinds(stocked) == {Kind.BLOB_MISSING}


def test_cut_off_bytes_are_found(stocked: Runtime) -> None:
    a_blob(stocked).write_bytes(b"short")
    assert kinds(stocked) == {Kind.BLOB_SIZE}


def test_a_flipped_bit_is_found_by_the_deep_check_only(stocked: Runtime) -> None:
    path = a_blob(stocked)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert kinds(stocked) == set()
    assert kinds(stocked, deep=True) == {Kind.BLOB_DAMAGED}


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM file WHERE version_id IN (SELECT min(id) FROM version)", Kind.VERSION),
        ("UPDATE version SET digest = 'abc' WHERE id IN (SELECT min(id) FROM version)", Kind.VERSION),
        ("UPDATE version SET size = size + 1 WHERE id IN (SELECT min(id) FROM version)", Kind.VERSION),
        ("UPDATE version SET key = 'zzz' WHERE id IN (SELECT min(id) FROM version)", Kind.VERSION_KEY),
        ("UPDATE file SET manifest_id = (SELECT max(id) FROM manifest)", Kind.FILE),
        ("UPDATE manifest SET format = 'other'", Kind.FILE),
        ("DELETE FROM version WHERE id IN (SELECT min(id) FROM version)", Kind.PACKAGE),
        ("UPDATE promotion SET item_count = 2", Kind.PROMOTION),
        ("UPDATE promotion_item SET version = '9.9.9'", Kind.PROMOTION),
        ("DELETE FROM promotion_item", Kind.PROMOTION),
        ("UPDATE promotion SET items_digest = 'abc'", Kind.PROMOTION),
        ("UPDATE event SET actor = 'somebody else' WHERE tag = 'promoted'", Kind.EVENT_CHAIN),
        ("DELETE FROM event WHERE id = 2", Kind.EVENT_CHAIN),
    ],
)
def test_every_changed_row_is_found(stocked: Runtime, statement: str, kind: Kind) -> None:
    run(stocked, statement)
    assert kind in kinds(stocked)


def test_a_promotion_whose_record_was_deleted_is_found(stocked: Runtime) -> None:
    run(stocked, "DELETE FROM promotion_item")
    run(stocked, "DELETE FROM promotion")
    (finding,) = findings(stocked)
    assert finding.kind is Kind.PROMOTION
    assert "its record is gone" in finding.message


def test_a_tag_on_another_packages_version_is_found(stocked: Runtime) -> None:
    run(
        stocked,
        "INSERT INTO tag (package_id, name, version_id, explicit) "
        "SELECT min(package_id), 'odd', max(id), TRUE FROM version WHERE package_id IN (SELECT id FROM package)",
    )
    assert kinds(stocked) == {Kind.TAG}


def test_broken_references_are_found_by_the_database(sqlite_runtime: Runtime) -> None:
    stocked = stock(sqlite_runtime)  # PostgreSQL never lets a reference break.
    raw = stocked.database.writer.raw_connection()
    raw.cursor().execute("PRAGMA foreign_keys=OFF")
    raw.cursor().execute("UPDATE file SET blob = 'nowhere' WHERE id = 1")
    raw.cursor().execute("PRAGMA foreign_keys=ON")
    raw.close()
    assert {Kind.DATABASE, Kind.FILE} <= kinds(stocked)


def test_unreferenced_bytes_are_harmless(stocked: Runtime) -> None:
    digests = stocked.blobs.add([b"nobody wants this"])
    (finding,) = findings(stocked, deep=True)
    assert (finding.kind, finding.subject, finding.harmless) == (Kind.COLLECTABLE, digests.sha256, True)


def age(runtime: Runtime, hours: float = 2) -> Runtime:
    """Let time pass for every file and every row that is there."""
    assert isinstance(runtime.blobs, LocalBlobStore)
    then = time.time() - hours * 3600
    for path in [*(runtime.blobs.root / "incoming").iterdir(), *map(runtime.blobs.path, runtime.blobs.list())]:
        os.utime(path, (then, then))
    with runtime.writing(ME) as work:
        now = runtime.clock()
        work.session.execute(text("UPDATE blob SET added = :then"), {"then": now - timedelta(hours=hours)})
    return runtime


def test_a_sweep_removes_old_bytes_without_a_row(stocked: Runtime) -> None:
    digests = stocked.blobs.add([b"nobody wants this"])
    assert fsck.sweep(age(stocked), ME) == fsck.Swept(1, digests.size, 0)
    assert stocked.blobs.size(digests.sha256) is None
    assert findings(stocked, deep=True) == []


def test_a_sweep_leaves_what_may_just_be_coming_in(stocked: Runtime) -> None:
    age(stocked)
    digests = stocked.blobs.add([b"on its way"])
    assert fsck.sweep(stocked, ME) == fsck.Swept(0, 0, 0)
    assert stocked.blobs.size(digests.sha256) is not None


def test_a_sweep_removes_the_bytes_of_deleted_versions_but_not_promoted_ones(stocked: Runtime) -> None:
    for name in ("one", "two"):
        with stocked.writing(ME) as work:
            publishing.delete_versions(work, "dev", name)
    assert fsck.sweep(age(stocked), ME).blobs == 1
    assert findings(stocked, deep=True) == []
    publish_sample(stocked, "dev", "two", "2.0.0")
    assert findings(stocked, deep=True) == []


def test_a_sweep_between_storing_and_publishing_loses_nothing(stocked: Runtime) -> None:
    sample = stocked.get_format("npm").kit().make("three", "3.0.0")

    def meanwhile(manifest: Manifest) -> None:
        assert fsck.sweep(age(stocked), ME).blobs == 1

    with pytest.raises(Conflict, match="send them again"):
        publishing.publish(stocked, ME, "dev", [sample.content], sample.filename, expect=meanwhile)
    assert findings(stocked, deep=True) == []
    publishing.publish(stocked, ME, "dev", [sample.content], sample.filename)
    assert findings(stocked, deep=True) == []


def test_bytes_that_come_in_again_are_not_swept(stocked: Runtime) -> None:
    digests = stocked.blobs.add([b"nobody wants this"])
    age(stocked)
    stocked.blobs.add([b"nobody wants this"])
    assert fsck.sweep(stocked, ME).blobs == 0
    assert stocked.blobs.size(digests.sha256) == digests.size


def test_a_sweep_removes_stale_incoming_files(stocked: Runtime) -> None:
    assert isinstance(stocked.blobs, LocalBlobStore)
    for name in ("old", "new"):
        (stocked.blobs.root / "incoming" / name).write_bytes(b"half")
    os.utime(stocked.blobs.root / "incoming" / "old", (0, 0))
    assert fsck.sweep(stocked, ME).incoming == 1


def test_a_sweep_is_recorded(stocked: Runtime) -> None:
    stocked.blobs.add([b"nobody wants this"])
    fsck.sweep(age(stocked), ME)
    with stocked.reading(ME) as work:
        newest = work.session.scalars(select(Event).order_by(Event.id.desc())).first()
    assert newest is not None
    assert (newest.tag, newest.data["blobs"]) == ("blobs-swept", 1)
