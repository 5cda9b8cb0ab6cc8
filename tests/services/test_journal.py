"""The journal, files listed one by one, handles, facets: what formats with several files a version build on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.bootstrap import open_runtime
from app.domain.errors import NotFound, NotOffered
from app.services import access, listings, packages, promotions, publishing
from app.services.clock import set_clock, utc_now
from app.services.promotions import PromotionRequest, Wanted
from app.services.runtime import Actor, Runtime, owner
from app.settings import load_settings
from app.web import create_app
from tests.fixtures import make_feeds, make_key

SAM = owner("sam")
PLUGINS = Path(__file__).resolve().parent / "plugins"


@pytest.fixture
def pieces(tmp_path: Path, database: str) -> Iterator[Runtime]:
    """Give a runtime with the feeds dev and prod of the format of pieces."""
    settings = load_settings(data=tmp_path / "data", database=database, port=0, plugins=str(PLUGINS), test_hooks=True)
    runtime = open_runtime(settings)
    make_feeds(runtime, "piece", "dev", "prod")
    yield runtime
    runtime.database.close()


@pytest.fixture
def client(pieces: Runtime) -> FlaskClient:
    """Give a client that may do everything."""
    made = create_app(pieces).test_client()
    made.environ_base["HTTP_X_APIKEY"] = make_key(pieces, "system", "tests")
    return made


def put(runtime: Runtime, *headers: str, feed: str = "dev") -> None:
    """Publish pieces."""
    for header in headers:
        publishing.publish(runtime, SAM, feed, [f"piece {header}\n".encode()], "x.txt")


def promote(runtime: Runtime, *items: tuple[str, str]) -> None:
    """Promote versions from dev to prod."""
    promotions.promote(runtime, SAM, PromotionRequest("dev", "prod", tuple(Wanted(*item) for item in items)))


def text(client: FlaskClient, path: str) -> str:
    """Give a document's text."""
    answer = client.get(f"/piece/{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


def log(client: FlaskClient, feed: str = "dev") -> list[str]:
    """Give a journal's lines, its head left out."""
    return text(client, f"{feed}/log").splitlines()[1:]


def set_listed(runtime: Runtime, listed: bool, variant: str | None = None) -> None:
    """List or unlist version 1 of ape, or a file of it."""
    with runtime.writing(SAM) as work:
        publishing.set_listed(work, "dev", "ape", "1", listed=listed, variant=variant)


def test_every_change_of_a_package_writes_its_lines(pieces: Runtime, client: FlaskClient) -> None:
    put(pieces, "ape 1", "ape 1 java", "bee 2")
    set_listed(pieces, False, "java")
    set_listed(pieces, True)
    with pieces.writing(SAM) as work:
        publishing.delete_file(work, "dev", "ape", "1", "java")
        publishing.delete_versions(work, "dev", "bee")
    assert log(client) == [
        "+ape 1  1",
        "+ape 1 java 2",
        "+bee 2  1",
        "-ape 1 java 1",
        "+ape 1 java 2",
        "-ape 1 java 1",
        "-bee 2  0",
    ]


def test_the_same_bytes_again_write_nothing(pieces: Runtime, client: FlaskClient) -> None:
    put(pieces, "ape 1", "ape 1")
    set_listed(pieces, True)
    assert log(client) == ["+ape 1  1"]


def test_a_promotion_writes_the_files_that_it_brings(pieces: Runtime, client: FlaskClient) -> None:
    put(pieces, "ape 1", "ape 1 java", "ape 2", "bee 1")
    set_listed(pieces, False, "java")
    promote(pieces, ("ape", "1"), ("ape", "2"), ("bee", "1"))
    assert log(client, "prod") == ["+ape 1  2", "+ape 2  2", "+bee 1  1"]
    promote(pieces, ("ape", "1"))
    assert len(log(client, "prod")) == 3


def test_an_unlisted_file_is_promoted_unlisted(pieces: Runtime, sam: Actor) -> None:
    put(pieces, "ape 1", "ape 1 java")
    set_listed(pieces, False, "java")
    promote(pieces, ("ape", "1"))
    with pieces.reading(sam) as work:
        version = packages.get_version(work, access.get_feed(work, "prod"), "ape", "1")
    assert version.listed
    assert {file.variant: file.listed for file in version.files} == {"": True, "java": False}


def test_a_version_is_listed_while_a_file_of_it_is(pieces: Runtime, sam: Actor) -> None:
    put(pieces, "ape 1", "ape 1 java")

    def listed() -> bool:
        with pieces.reading(sam) as work:
            return packages.get_version(work, access.get_feed(work, "dev"), "ape", "1").listed

    set_listed(pieces, False, "java")
    assert listed()
    set_listed(pieces, False, "")
    assert not listed()
    put(pieces, "ape 1 ruby")
    assert listed()


def test_an_unknown_file_is_not_unlisted(pieces: Runtime) -> None:
    put(pieces, "ape 1")
    with pytest.raises(NotFound, match="no file 'java' of ape 1"):
        set_listed(pieces, False, "java")


def test_what_was_sent_of_a_journal_is_only_added_to(pieces: Runtime, client: FlaskClient) -> None:
    put(pieces, "ape 1")
    before = client.get("/piece/dev/log")
    put(pieces, "ape 2")
    after = client.get("/piece/dev/log")
    assert after.data.startswith(before.data)
    assert after.headers["ETag"] != before.headers["ETag"]
    rest = client.get("/piece/dev/log", headers={"Range": f"bytes={len(before.data) - 1}-"})
    assert rest.status_code == 206
    assert before.data[:-1] + rest.data == after.data
    assert rest.headers["Repr-Digest"] == after.headers["Repr-Digest"]


def test_a_journal_begins_anew(pieces: Runtime, client: FlaskClient) -> None:
    put(pieces, "bee 1", "ape 1")
    assert client.post("/piece/dev/rewrite", data="1999-01-02T03:04:05+00:00").status_code == 200
    assert text(client, "dev/log") == "begun 1999\n=ape\n=bee\n"
    put(pieces, "ape 2")
    assert log(client) == ["=ape", "=bee", "+ape 2  2"]


def test_only_test_hooks_let_the_clock_be_set(runtime: Runtime) -> None:
    with pytest.raises(NotOffered, match="test_hooks"):
        set_clock(runtime, utc_now())


def test_a_collected_document_follows_every_change(pieces: Runtime, client: FlaskClient) -> None:
    assert text(client, "dev/names") == ""
    put(pieces, "bee 1", "ape 1", "ape 1 java", "cat 1")
    assert text(client, "dev/names") == "ape 1,1java\nbee 1\ncat 1\n"
    set_listed(pieces, False, "java")
    with pieces.writing(SAM) as work:
        publishing.delete_versions(work, "dev", "bee")
    put(pieces, "dog 1")
    assert text(client, "dev/names") == "ape 1\ncat 1\ndog 1\n"
    promote(pieces, ("dog", "1"))
    assert text(client, "prod/names") == "dog 1\n"


def test_a_package_that_goes_and_comes_back_is_collected_anew(pieces: Runtime, client: FlaskClient) -> None:
    put(pieces, "ape 1")
    assert text(client, "dev/names") == "ape 1\n"
    with pieces.writing(SAM) as work:
        publishing.delete_versions(work, "dev", "ape")
    put(pieces, "ape 2")
    assert text(client, "dev/names") == "ape 2\n"


def test_a_collected_document_has_the_digests_that_were_asked_for(pieces: Runtime, client: FlaskClient) -> None:
    answer = client.get("/piece/dev/names")
    assert answer.headers["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"'
    assert answer.headers["Repr-Digest"] == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"


def test_a_file_is_found_by_its_handle_in_its_feed_only(pieces: Runtime, client: FlaskClient) -> None:
    put(pieces, "ape 1", "ape 1 java", "bee 1")
    promote(pieces, ("bee", "1"))
    assert text(client, "dev/files/ape-1-java") == "piece ape 1 java\n"
    assert client.get("/piece/prod/files/ape-1-java").status_code == 404
    assert text(client, "prod/files/bee-1") == "piece bee 1\n"


def test_facets_narrow_a_search(pieces: Runtime, sam: Actor) -> None:
    put(pieces, "ape 1", "ape 2  #tool", "bee 1  #tool#wide")

    def found(**narrowed: tuple[str, ...]) -> list[tuple[str, str, tuple[str, ...]]]:
        with pieces.reading(sam) as work:
            feed = access.get_feed(work, "dev")
            page = listings.search(work, feed, listings.Listing(**narrowed), with_versions=True)  # type: ignore[arg-type]
        return [(item.name, item.latest, item.versions) for item in page.items]

    assert found() == [("ape", "2", ("1", "2")), ("bee", "1", ("1",))]
    assert found(facets=("tool",)) == [("ape", "2", ("2",)), ("bee", "1", ("1",))]
    assert found(without=("tool",)) == [("ape", "1", ("1",))]
    assert found(facets=("tool",), without=("wide",)) == [("ape", "2", ("2",))]
