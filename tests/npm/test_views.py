"""The npm protocol as its clients speak it, against the whole application."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from app.plugin import Request
from app.testing.stage import Place, Stage
from plugins.npm.kit import make, publish_document

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

SHORT = "application/vnd.npm.install-v1+json"
NPM_INSTALL = f"{SHORT}; q=1.0, application/json; q=0.8, */*"


def put(feed: Place, path: str, body: object, who: str = "writer") -> TestResponse:
    return feed.send(Request("PUT", path, {"Content-Type": "application/json"}, json.dumps(body).encode()), who)


def publish(feed: Place, name: str, version: str, tag: str = "latest", **more: Any) -> TestResponse:
    document = publish_document(make(name, version, **more), tag)
    return put(feed, "/" + name.replace("/", "%2f"), document)


def json_of(response: TestResponse) -> Any:
    return response.get_json()


def packument(feed: Place, name: str) -> dict[str, Any]:
    response = feed.get("/" + name.replace("/", "%2f"))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = json_of(response)
    return found


def tags(feed: Place, name: str) -> dict[str, str]:
    found: dict[str, str] = packument(feed, name)["dist-tags"]
    return found


# Reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "short"),
    [
        (NPM_INSTALL, True),
        (SHORT, True),
        (f"application/json;q=0.9, {SHORT}", True),
        ("application/json", False),
        (f"{SHORT};q=0.5, application/json", False),
        (f"{SHORT};q=0, */*", False),
        ("*/*", False),
        ("", False),
        ("text/html,*/*;q=0.1", False),
        ("nonsense;;q=", False),
    ],
)
def test_the_document_is_abbreviated_for_who_prefers_that(feed: Place, accept: str, short: bool) -> None:
    publish(feed, "left", "1.0.0")
    response = feed.get("/left", headers={"Accept": accept} if accept else {})
    assert response.headers["Content-Type"] == (SHORT if short else "application/json")
    assert ("_id" in json_of(response)) is not short
    assert "Accept" in response.headers["Vary"]


def test_both_documents_have_etags_of_their_own(feed: Place, other_feed: Place) -> None:
    for each in (feed, other_feed):
        publish(each, "left", "1.0.0")
    etags = [
        each.get("/left", headers={"Accept": a}).headers["ETag"] for each in (feed, other_feed) for a in (SHORT, "*/*")
    ]
    assert len(set(etags)) == 4


@pytest.mark.parametrize("path", ["/@acme/left", "/@acme%2fleft", "/@acme%2Fleft", "/%40acme%2Fleft", "//@acme/left"])
def test_a_scoped_name_is_found_in_every_encoding(feed: Place, path: str) -> None:
    publish(feed, "@acme/left", "1.0.0")
    assert json_of(feed.get(path))["name"] == "@acme/left"
    assert json_of(feed.get(f"{path}/1.0.0"))["version"] == "1.0.0"
    assert json_of(feed.get(f"{path}/latest"))["version"] == "1.0.0"
    assert feed.get(f"{path}/-/left-1.0.0.tgz").status_code == 200
    assert json_of(feed.get(f"/-/package{path.replace('//', '/')}/dist-tags")) == {"latest": "1.0.0"}


def test_what_was_encoded_twice_is_not_decoded_twice(feed: Place) -> None:
    publish(feed, "@acme/left", "1.0.0")
    assert feed.get("/@acme%252fleft").status_code == 404
    assert feed.get("/@acme%252fleft/-/left-1.0.0.tgz").status_code == 404


def test_every_address_follows_the_address_that_the_client_uses(stage: Stage, feed: Place) -> None:
    publish(feed, "@acme/left", "1.0.0")
    by_path = packument(feed, "@acme/left")["versions"]["1.0.0"]["dist"]["tarball"]
    assert by_path == f"http://localhost:8624/npm/{feed.name}/@acme/left/-/left-1.0.0.tgz"
    own = f"http://{feed.name}.localhost:8624"
    answer = stage.client.get("/@acme%2fleft", own, headers={"X-ApiKey": feed.secrets["reader"]})
    assert json_of(answer)["versions"]["1.0.0"]["dist"]["tarball"] == f"{own}/@acme/left/-/left-1.0.0.tgz"


def test_a_tarball_is_sent_even_to_who_asks_for_a_packument(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    response = feed.get("/left/-/left-1.0.0.tgz", headers={"Accept": NPM_INSTALL})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path",
    [
        "/right",
        "/left/2.0.0",
        "/left/nosuchtag",
        "/left/-/left-2.0.0.tgz",
        "/left/-/right-1.0.0.tgz",
        "/left/-/left-latest.tgz",
        "/left/-/left-.tgz",
        "/left/-/left-1.0.0.zip",
        "/favicon.ico",
        "/.hidden",
        "/-/npm/v1/keys",
        "/-/npm/v1/attestations/left@1.0.0",
        "/-/npm/v1/attestations/@acme%2fleft@1.0.0",
        "/-/package/left/visibility",
        "/-/stage/package/left",
    ],
)
def test_what_is_not_there_is_not_found_in_json(feed: Place, path: str) -> None:
    publish(feed, "left", "1.0.0")
    response = feed.get(path)
    assert response.status_code == 404
    assert json_of(response)["error"]


# Publishing ---------------------------------------------------------------------------------------------


def test_what_is_published_is_served_as_its_tarball_says(feed: Place) -> None:
    document = publish_document(make("left", "1.0.0"), dependencies={"evil": "*"}, scripts={"install": "evil"})
    assert put(feed, "/left", document).status_code == 201
    shown = packument(feed, "left")["versions"]["1.0.0"]
    assert shown["dependencies"] == {"ms": "^2.1.0"}
    assert "scripts" not in shown


def test_a_version_is_never_published_twice_not_even_the_same_bytes(feed: Place) -> None:
    assert publish(feed, "left", "1.0.0").status_code == 201
    before = feed.serial()
    for again in (publish(feed, "left", "1.0.0"), publish(feed, "left", "1.0.0", description="other bytes")):
        assert again.status_code == 409
        assert "already published" in json_of(again)["error"]
    build = make("left", "1.0.0+build.7")
    assert put(feed, "/left", publish_document(build)).status_code == 409
    assert feed.serial() == before


def test_a_tag_of_its_own_does_not_touch_latest_except_for_the_first_version(feed: Place) -> None:
    publish(feed, "left", "1.0.0", tag="beta")
    assert tags(feed, "left") == {"latest": "1.0.0", "beta": "1.0.0"}
    publish(feed, "left", "2.0.0", tag="beta")
    assert tags(feed, "left") == {"latest": "1.0.0", "beta": "2.0.0"}
    publish(feed, "left", "1.0.1")
    assert tags(feed, "left") == {"latest": "1.0.1", "beta": "2.0.0"}


def test_a_prerelease_alone_is_latest(feed: Place) -> None:
    publish(feed, "left", "1.0.0-rc.1", tag="next")
    assert tags(feed, "left") == {"latest": "1.0.0-rc.1", "next": "1.0.0-rc.1"}


def _change(path: str, value: object) -> Any:
    """Give a function that changes one place of a publish document."""

    def change(document: dict[str, Any]) -> None:
        *above, last = path.split(".")
        place = document
        for key in above:
            place = place[key.replace("%", "1.0.0")]
        place[last.replace("%", "1.0.0")] = value

    return change


LIES = {
    "another name": _change("name", "right"),
    "no name": _change("name", None),
    "another id": _change("_id", "right"),
    "another name in the version": _change("versions.%.name", "right"),
    "another version in the version": _change("versions.%.version", "1.0.1"),
    "no versions": _change("versions", {}),
    "versions are a list": _change("versions", ["1.0.0"]),
    "a version that is null": _change("versions.%", None),
    "another shasum": _change("versions.%.dist.shasum", "0" * 40),
    "another integrity": _change("versions.%.dist.integrity", "sha512-" + base64.b64encode(bytes(64)).decode()),
    "an integrity that is none": _change("versions.%.dist.integrity", "sha512-!!!"),
    "one wrong of several integrities": _change("versions.%.dist.integrity", "sha384-AAAA sha1-AAAA"),
    "dist is a text": _change("versions.%.dist", "x"),
    "a tag that is a range": _change("dist-tags", {"1.x": "1.0.0"}),
    "a tag that is a version": _change("dist-tags", {"v1.0.0": "1.0.0"}),
    "a tag that is empty": _change("dist-tags", {"": "1.0.0"}),
    "a tag for another version": _change("dist-tags", {"latest": "2.0.0"}),
    "tags are a text": _change("dist-tags", "latest"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_document_that_lies_is_refused(feed: Place, lie: Any) -> None:
    document = publish_document(make("left", "1.0.0"))
    lie(document)
    response = put(feed, "/left", document)
    assert response.status_code == 400, response.text
    assert feed.package("left") is None


def test_two_versions_at_once_are_refused(feed: Place) -> None:
    document = publish_document(make("left", "1.0.0"))
    document["versions"]["1.0.1"] = {**document["versions"]["1.0.0"], "version": "1.0.1"}
    assert put(feed, "/left", document).status_code == 400


@pytest.mark.parametrize(("name", "version"), [("right", "1.0.0"), ("left", "1.0.1"), ("Left", "1.0.0")])
def test_a_tarball_of_something_else_is_refused(feed: Place, name: str, version: str) -> None:
    document = publish_document(make("left", "1.0.0"))
    document["_attachments"] = publish_document(make(name, version))["_attachments"]
    document["versions"]["1.0.0"]["dist"] = {}
    response = put(feed, "/left", document)
    assert (response.status_code, json_of(response)["code"]) == (400, "manifest-confusion")


def test_it_is_published_where_it_was_sent_to(feed: Place) -> None:
    assert put(feed, "/right", publish_document(make("left", "1.0.0"))).status_code == 400


@pytest.mark.parametrize("name", ["JSONStream", "http", "events"])
def test_old_names_are_not_given_to_new_packages_but_stay_usable(feed: Place, name: str) -> None:
    assert json_of(publish(feed, name, "1.0.0"))["code"] == "invalid-new-name"
    feed.publish(make(name, "1.0.0"))
    assert publish(feed, name, "1.0.1").status_code == 201
    assert list(packument(feed, name)["versions"]) == ["1.0.0", "1.0.1"]


# Deprecating --------------------------------------------------------------------------------------------


def test_deprecating_sends_everything_back_and_changes_one_message(feed: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(feed, "left", version)
    document = packument(feed, "left")
    document["versions"]["1.0.0"].update(deprecated="use right", dependencies={"evil": "*"})
    document["description"] = document["readme"] = "changed"
    assert put(feed, "/left", document).status_code == 200
    found = packument(feed, "left")
    assert found["versions"]["1.0.0"]["deprecated"] == "use right"
    assert "deprecated" not in found["versions"]["1.1.0"]
    assert found["versions"]["1.0.0"]["dependencies"] == {"ms": "^2.1.0"}
    assert found["description"] != "changed"
    short = json_of(feed.get("/left", headers={"Accept": SHORT}))
    assert short["versions"]["1.0.0"]["deprecated"] == "use right"

    found["versions"]["1.0.0"]["deprecated"] = ""
    assert put(feed, "/left", found).status_code == 200
    assert "deprecated" not in packument(feed, "left")["versions"]["1.0.0"]


def test_an_outdated_packument_changes_nothing(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    document = packument(feed, "left")
    publish(feed, "left", "1.1.0")
    document["versions"]["1.0.0"]["deprecated"] = "late"
    assert put(feed, "/left", document).status_code == 409
    assert "deprecated" not in packument(feed, "left")["versions"]["1.0.0"]


def test_a_packument_without_tarball_makes_no_version(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    document = packument(feed, "left")
    document["versions"]["6.6.6"] = document["versions"]["1.0.0"]
    assert put(feed, "/left", document).status_code == 404
    assert put(feed, "/right", {"name": "right", "versions": {"1.0.0": {}}}).status_code == 404
    assert list(packument(feed, "left")["versions"]) == ["1.0.0"]


def test_tags_in_a_packument_that_comes_back_count(feed: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(feed, "left", version)
    document = packument(feed, "left")
    document["dist-tags"]["stable"] = "1.0.0"
    assert put(feed, "/left", document).status_code == 200
    assert tags(feed, "left") == {"latest": "1.1.0", "stable": "1.0.0"}


# Unpublishing -------------------------------------------------------------------------------------------


def test_unpublishing_one_version_is_two_calls_and_latest_moves_after_the_first(feed: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(feed, "@acme/left", version)
    document = packument(feed, "@acme/left")
    del document["versions"]["1.1.0"]
    document["dist-tags"]["latest"] = "1.0.0"
    assert put(feed, f"/@acme%2fleft/-rev/{document['_rev']}", document).status_code == 201
    after = packument(feed, "@acme/left")
    assert after["dist-tags"] == {"latest": "1.0.0"}
    assert list(after["versions"]) == ["1.0.0"]
    path = f"/@acme/left/-/left-1.1.0.tgz/-rev/{after['_rev']}"
    assert feed.send(Request("DELETE", path)).status_code == 200
    assert feed.get("/@acme/left/-/left-1.1.0.tgz").status_code == 404
    assert feed.get("/@acme/left/-/left-1.0.0.tgz").status_code == 200


def test_deleting_the_tarball_alone_deletes_the_version(feed: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(feed, "left", version)
    rev = packument(feed, "left")["_rev"]
    assert feed.send(Request("DELETE", f"/left/-/left-1.0.0.tgz/-rev/{rev}")).status_code == 200
    assert list(packument(feed, "left")["versions"]) == ["1.1.0"]


def test_unpublishing_everything_needs_the_present_revision(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    stale = packument(feed, "left")["_rev"]
    publish(feed, "left", "1.1.0")
    assert feed.send(Request("DELETE", f"/left/-rev/{stale}")).status_code == 409
    assert feed.send(Request("DELETE", f"/left/-rev/{packument(feed, 'left')['_rev']}")).status_code == 200
    assert feed.get("/left").status_code == 404


def test_a_trimmed_packument_never_deletes_the_last_version(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    document = packument(feed, "left")
    rev, document["versions"] = document["_rev"], {}
    assert put(feed, f"/left/-rev/{rev}", document).status_code == 400
    assert feed.get("/left").status_code == 200


def test_owners_are_not_kept_per_package(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    document = packument(feed, "left")
    document["maintainers"].append({"name": "eve", "email": ""})
    response = put(feed, f"/left/-rev/{document['_rev']}", document)
    assert (response.status_code, json_of(response)["code"]) == (400, "no-owners")


# Tags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_tags_are_set_listed_and_removed(feed: Place, method: str) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(feed, "@acme/left", version)
    path = "/-/package/@acme%2fleft/dist-tags"
    set_it = Request(method, f"{path}/stable", {"Content-Type": "application/json"}, b'"1.0.0"')
    assert feed.send(set_it).status_code == 201
    assert json_of(feed.get(path)) == {"latest": "1.1.0", "stable": "1.0.0"}
    assert feed.send(Request("DELETE", f"{path}/stable")).status_code == 200
    assert json_of(feed.get(path)) == {"latest": "1.1.0"}
    assert feed.send(Request("DELETE", f"{path}/stable")).status_code == 404


def test_latest_can_be_moved_but_not_removed(feed: Place) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(feed, "left", version)
    path = "/-/package/left/dist-tags/latest"
    assert put(feed, path, "1.0.0").status_code == 201
    assert tags(feed, "left") == {"latest": "1.0.0"}
    assert feed.send(Request("DELETE", path)).status_code == 400


@pytest.mark.parametrize(
    ("tag", "version", "status"),
    [("beta", "9.9.9", 404), ("beta", {"version": "1.0.0"}, 404), ("1.x", "1.0.0", 400), ("%5E1", "1.0.0", 400)],
)
def test_tags_that_cannot_be_are_refused(feed: Place, tag: str, version: object, status: int) -> None:
    publish(feed, "left", "1.0.0")
    assert put(feed, f"/-/package/left/dist-tags/{tag}", version).status_code == status


# Search, audit, account ---------------------------------------------------------------------------------


def test_search_finds_by_word_and_by_scope(feed: Place) -> None:
    for name in ("left", "@acme/left", "@acme/right"):
        publish(feed, name, "1.0.0", keywords=["padding"])

    def found(text: str, **more: int) -> list[str]:
        further = "".join(f"&{key}={value}" for key, value in more.items())
        answer = json_of(feed.get(f"/-/v1/search?text={text}{further}"))
        return [each["package"]["name"] for each in answer["objects"]]

    assert sorted(found("left")) == ["@acme/left", "left"]
    assert sorted(found("keywords:padding+scope:acme")) == ["@acme/left", "@acme/right"]
    assert len(found("", size=2)) == 2
    assert len(found("", size=2, **{"from": 2})) == 1
    assert found("nothingatall") == []
    line = json_of(feed.get("/-/v1/search?text=scope:acme+right"))["objects"][0]["package"]
    assert line["version"] == "1.0.0"
    assert line["maintainers"] == []
    assert line["date"].endswith("Z")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("advisories/bulk", set()),
        ("audits/quick", {"actions", "advisories", "muted", "metadata"}),
        ("audits", {"actions", "advisories", "muted", "metadata"}),
    ],
)
def test_audits_are_answered_in_their_shape(feed: Place, path: str, shape: set[str], packed: bool) -> None:
    body = json.dumps({"left": ["1.0.0"], "dependencies": {"left": {}}}).encode()
    headers = {"Content-Type": "application/json", **({"Content-Encoding": "gzip"} if packed else {})}
    request = Request("POST", f"/-/npm/v1/security/{path}", headers, gzip.compress(body) if packed else body)
    response = feed.send(request, "reader")
    assert response.status_code == 200
    assert set(json_of(response)) == shape


def test_login_gives_a_key_that_whoami_knows_and_logout_ends(stage: Stage, feed: Place) -> None:
    stage.new_user(feed.name, f"ann-{feed.name}", "correct horse battery")
    path, who = f"/-/user/org.couchdb.user:ann-{feed.name}", f"ann-{feed.name}"
    body = {"name": who, "password": "correct horse battery"}
    assert feed.send(Request("POST", "/-/v1/login", body=b"{}"), "anonymous").status_code == 404
    answer = put(feed, path, body, "anonymous")
    assert (answer.status_code, json_of(answer)["ok"]) == (201, True)
    bearer = {"Authorization": f"Bearer {json_of(answer)['token']}"}
    assert json_of(feed.get("/-/whoami", "anonymous", bearer)) == {"username": who}
    assert json_of(feed.get("/-/npm/v1/user", "anonymous", bearer))["name"] == who
    other = feed.send(Request("DELETE", "/-/user/token/other"), "anonymous", bearer)
    assert other.status_code == 401
    gone = feed.send(Request("DELETE", f"/-/user/token/{json_of(answer)['token']}"), "anonymous", bearer)
    assert gone.status_code == 200
    assert feed.get("/-/whoami", "anonymous", bearer).status_code == 401


@pytest.mark.parametrize(
    "body", [{"name": "other", "password": "x"}, {"name": "ann"}, [], {"name": "ann", "password": 1}]
)
def test_a_login_that_does_not_agree_with_itself_is_refused(feed: Place, body: object) -> None:
    assert put(feed, "/-/user/org.couchdb.user:ann", body, "anonymous").status_code == 400


def test_strangers_are_told_to_log_in(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    for path in ("/left", "/left/-/left-1.0.0.tgz", "/right", "/-/whoami", "/-/v1/search", "/-/package/left/dist-tags"):
        response = feed.get(path, "anonymous")
        assert response.status_code == 401, path
        assert response.headers["WWW-Authenticate"].startswith("Basic ")
        assert json_of(response)["error"]
    assert json_of(feed.get("/-/ping", "anonymous")) == {}


def test_a_reader_changes_nothing(feed: Place) -> None:
    publish(feed, "left", "1.0.0")
    document = packument(feed, "left")
    rev = document["_rev"]
    document["versions"]["1.0.0"]["deprecated"] = "no"
    attempts = [
        put(feed, "/left", document, "reader"),
        put(feed, "/right", publish_document(make("right", "1.0.0")), "reader"),
        put(feed, "/-/package/left/dist-tags/beta", "1.0.0", "reader"),
        feed.send(Request("DELETE", "/-/package/left/dist-tags/beta"), "reader"),
        feed.send(Request("DELETE", f"/left/-rev/{rev}"), "reader"),
        feed.send(Request("DELETE", f"/left/-/left-1.0.0.tgz/-rev/{rev}"), "reader"),
        put(feed, f"/left/-rev/{rev}", document, "reader"),
    ]
    assert [attempt.status_code for attempt in attempts] == [403] * len(attempts)
    assert packument(feed, "left")["_rev"] == rev
