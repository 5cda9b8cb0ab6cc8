"""What clients change over the NuGet protocols: push, symbols, unlisting; against the whole application."""

from __future__ import annotations

import io

import pytest

from app.plugin import Request, Sample
from app.testing.stage import Place, Stage
from plugins.nuget.hostile import nuspec
from plugins.nuget.kit import make, make_pdb, make_signature, make_symbols, multipart, packed, publish
from tests.nuget.test_views import leaves, push, versions

# Publishing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/v2/package", "/api/v2/package/", "/v2/package", "/v2/", "/v2", "/", "/package/"]
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_package_is_pushed_to_every_address_that_clients_make(feed: Place, method: str, path: str) -> None:
    request = publish(make("Demo", "1.0.0"))
    assert feed.send(Request(method, path, request.headers, request.body)).status_code == 201
    assert versions(feed, "demo") == ["1.0.0"]


def test_a_package_is_pushed_as_the_body_itself(feed: Place) -> None:
    sample = make("Demo", "1.0.0")
    headers = {"Content-Type": "application/octet-stream"}
    assert feed.send(Request("PUT", "/api/v2/package", headers, sample.content)).status_code == 201


def test_a_body_without_a_length_is_read(stage: Stage, feed: Place) -> None:
    request = publish(make("Demo", "1.0.0"))
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = stage.client.put(
        f"{feed.path}/api/v2/package/",
        "http://localhost:8624",
        headers={**request.headers, "X-NuGet-ApiKey": feed.secrets["writer"]},
        input_stream=io.BytesIO(request.body),
        environ_overrides=environ,
        content_length=None,
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("first", "second"),
    [("1.0.0", "1.0.0"), ("1.0.0", "1.0"), ("1.0.0", "1.0.0.0"), ("1.0.0", "1.0.0+x"), ("1.0.0-rc", "1.0.0-RC")],
)
def test_one_version_is_not_pushed_twice(feed: Place, first: str, second: str) -> None:
    assert push(feed, "Demo", first).status_code == 201
    refused = push(feed, "dEMO", second) if first != second else push(feed, "Demo", second)
    assert refused.status_code == 409
    assert "already" in refused.status
    assert len(versions(feed, "demo")) == 1


def test_the_first_spelling_of_an_id_stays(feed: Place) -> None:
    push(feed, "Demo.Lib", "1.0.0")
    push(feed, "DEMO.lib", "1.1.0")
    assert feed.get_package("demo.lib").name == "Demo.Lib"
    assert {leaf["catalogEntry"]["id"] for leaf in leaves(feed, "demo.lib").values()} == {"Demo.Lib"}


def test_nobody_known_is_asked_for_credentials_and_the_body_may_come_again(feed: Place) -> None:
    refused = push(feed, "Demo", "1.0.0", who="anonymous")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert push(feed, "Demo", "1.0.0").status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        multipart(b"hello"),
        multipart(b""),
        multipart(b"")[:50],
        b"--promontory-kit--\r\n",
        b"--promontory-kit\r\n" + b"x" * 2_000_000,
        b"--promontory-kit\r\nContent-Type: x\r\n\r\nhello\r\n--promontory-kit--\r\n",
    ],
)
def test_a_form_that_holds_no_package_is_refused(feed: Place, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=promontory-kit"}
    response = feed.send(Request("PUT", "/api/v2/package/", headers, body))
    assert response.status_code in (400, 413)
    assert response.text
    assert (
        feed.send(Request("PUT", "/api/v2/package/", {"Content-Type": "multipart/form-data"}, body)).status_code == 400
    )


def test_a_refusal_stands_in_the_reason_phrase_on_one_line(feed: Place) -> None:
    wrong = packed({"a.nuspec": nuspec("a", "1.0.0\n\u00e4")})
    response = feed.send(publish(Sample("a", wrong, "a", "1.0.0")))
    assert response.status_code == 400
    assert "is no NuGet version" in response.status
    assert response.status.isascii()
    assert response.status.isprintable()


# Symbols -----------------------------------------------------------------------------------------------


def test_symbols_stand_beside_their_package_and_a_debugger_finds_them(feed: Place) -> None:
    push(feed, "Demo.Lib", "1.0.0")
    assert feed.send(publish(make_symbols("Demo.Lib", "1.0.0"))).status_code == 201
    key = f"{make_signature('Demo.Lib', '1.0.0').hex.upper()}FFFFFFFF"
    headers = {"SymbolChecksum": "SHA256:00"}
    found = feed.get(f"/symbols/demo.lib.PDB/{key}/demo.lib.PDB", headers=headers)
    assert (found.status_code, found.data) == (200, make_pdb("Demo.Lib", "1.0.0"))
    assert feed.get(f"/symbols/other.pdb/{key}/other.pdb").status_code == 404
    assert feed.get(f"/symbols/Demo.Lib.pdb/{'0' * 32}ffffffff/Demo.Lib.pdb").status_code == 404
    assert versions(feed, "demo.lib") == ["1.0.0"]
    assert len(leaves(feed, "demo.lib")) == 1


def test_symbols_without_their_package_are_not_taken(feed: Place) -> None:
    assert feed.send(publish(make_symbols("Demo.Lib", "1.0.0"))).status_code == 404
    push(feed, "Demo.Lib", "1.0.0")
    assert feed.send(publish(make_symbols("Demo.Lib", "1.1.0"))).status_code == 404
    assert feed.send(publish(make_symbols("Demo.Lib", "1.0.0"))).status_code == 201
    assert feed.send(publish(make_symbols("Demo.Lib", "1.0.0"))).status_code == 409


def test_symbols_of_an_unlisted_version_do_not_list_it_again(feed: Place) -> None:
    push(feed, "Demo.Lib", "1.0.0")
    feed.send(Request("DELETE", "/api/v2/package/Demo.Lib/1.0.0"))
    assert feed.send(publish(make_symbols("Demo.Lib", "1.0.0"))).status_code == 409
    assert feed.get_package("Demo.Lib").versions[0].listed is False


def test_packages_and_symbols_have_addresses_of_their_own(feed: Place) -> None:
    package, symbols = publish(make("Demo", "1.0.0")), publish(make_symbols("Demo", "1.0.0"))
    assert feed.send(Request("PUT", symbols.path, package.headers, package.body)).status_code == 400
    feed.send(package)
    assert feed.send(Request("PUT", package.path, symbols.headers, symbols.body)).status_code == 400


# Unlisting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/v2/package/DEMO/1.0", "/v2/package/Demo/1.0.0", "/v2/Demo/1.0.0", "/Demo/1.0.0"]
)
def test_deleting_unlists(feed: Place, path: str) -> None:
    push(feed, "Demo", "1.0.0")
    assert feed.send(Request("DELETE", path)).status_code == 204
    assert feed.get_package("Demo").versions[0].listed is False
    assert feed.get("/v3/flat/demo/1.0.0/demo.1.0.0.nupkg").status_code == 200
    assert feed.send(Request("DELETE", "/v2/package/Demo/2.0.0")).status_code == 404
    assert feed.send(Request("DELETE", "/v2/package/Nothing/1.0.0")).status_code == 404
    assert feed.send(Request("DELETE", path), "reader").status_code == 403
