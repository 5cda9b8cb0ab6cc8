"""What gem and Bundler ask a feed for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.plugin import Conflict, FileLine, Invalid, InvalidPackage, Manifest, NotFound, Permission, Unauthenticated
from app.plugin.records import FileRecord, PackageRecord, VersionRecord
from app.plugin.web import Response, Routes, ServedFeed, json_response, text_response

from . import compact, specs
from .names import RUBY, full_name

TEXT, BINARY = "text/plain; charset=utf-8", "application/octet-stream"
MAX_FORM = 100_000
_UNREADABLE = 422


def gem_error(status: int, code: str, message: str) -> Response:
    """Shape a refusal as gem prints it; what cannot be read is 422, as on the public server."""
    return text_response(message, _UNREADABLE if code == InvalidPackage.code else status)


routes = Routes(gem_error)


@routes.get("/")
def root(feed: ServedFeed) -> Response:
    """Say where one is; gem asks for nothing more before it takes the compact index."""
    return text_response(f"{feed.name}: a RubyGems feed. Use it as a source of gem or Bundler.\n")


# The compact index ------------------------------------------------------------------------------------


@routes.get("/versions")
def versions(feed: ServedFeed) -> Response:
    """Give every change of the feed, one line each."""
    return feed.journal(compact.head(feed.journal_begun), content_type=TEXT)


@routes.get("/names")
def names(feed: ServedFeed) -> Response:
    """Give the names of all gems."""

    def piece(lines: Iterable[FileLine]) -> bytes:
        return next((f"{line.name}\n".encode() for line in lines if line.listed), b"")

    def join(pieces: Iterable[bytes]) -> bytes:
        return b"---\n" + (b"".join(pieces) or b"\n")

    return feed.collected("names", piece, join, content_type=TEXT, digest="md5", repr_digest=True)


@routes.get("/info/<name>")
def info(feed: ServedFeed, name: str) -> Response:
    """Give the versions of one gem with what they need."""
    package = feed.get_package(name)
    return feed.document(
        "info", lambda: compact.info(package), content_type=TEXT, package=name, digest="md5", repr_digest=True
    )


# The older index --------------------------------------------------------------------------------------


@routes.get("/<any(specs,latest_specs,prerelease_specs):which>.4.8.gz")
def spec_list(feed: ServedFeed, which: str) -> Response:
    """Give all gems, the newest of each, or the prereleases."""
    return feed.collected(which, specs.piece_of(specs.LISTS[which]), specs.join, content_type=BINARY)


@routes.get("/quick/Marshal.4.8/<full>.gemspec.rz")
def quick(feed: ServedFeed, full: str) -> Response:
    """Give the specification of one gem."""
    _, file = _find(feed, full)
    name = file.manifest.name
    return feed.document(f"quick {full}", lambda: specs.quick(file.manifest), content_type=BINARY, package=name)


@routes.get("/gems/<full>.gem", needs=Permission.DOWNLOAD_PACKAGE)
def gem(feed: ServedFeed, full: str) -> Response:
    """Give a gem's bytes."""
    _, file = _find(feed, full)
    return feed.send(file, BINARY)


def _find(feed: ServedFeed, full: str) -> tuple[VersionRecord, FileRecord]:
    found = feed.find(full)
    if found is None or not found[1].listed:
        raise NotFound(f"There is no gem {full!r} in the feed {feed.name}; list its versions.", code="unknown-gem")
    return found


# Publishing and yanking -------------------------------------------------------------------------------


@routes.route("/api/v1/gems", ("POST",), Permission.ADD_PACKAGE)
def push(feed: ServedFeed) -> Response:
    """Publish a gem, sent as it is or as the part ``gem`` of a form (attestations that come along are not kept)."""
    sent = feed.request.files.get("gem")
    blob = feed.store(_chunks(feed.request.stream if sent is None else sent.stream))

    def check(manifest: Manifest) -> None:
        found = feed.find(manifest.handles[0])
        if found is not None and not found[1].listed:
            raise Conflict(
                f"{manifest.handles[0]} was yanked from {feed.name}; a yanked version does not come back by a push. "
                "Push a new version.",
                code="yanked",
            )

    published = feed.publish_stored(blob, "package.gem", expect=check)
    what = f"{published.name} ({published.version})"
    return text_response(f"Successfully registered gem: {what}" if published.created else f"Already pushed: {what}")


def _chunks(stream: Any) -> Iterable[bytes]:
    return iter(lambda: stream.read(131_072), b"")


@routes.route("/api/v1/gems/yank", ("DELETE",), Permission.UNLIST_PACKAGE)
def yank(feed: ServedFeed) -> Response:
    """Take a version, or one platform of it, out of the index; its bytes stay."""
    return _list(feed, listed=False, done="Successfully deleted gem")


@routes.route("/api/v1/gems/unyank", ("PUT", "POST"), Permission.UNLIST_PACKAGE)
def unyank(feed: ServedFeed) -> Response:
    """Put a yanked version, or one platform of it, back."""
    return _list(feed, listed=True, done="Successfully undeleted gem")


def _list(feed: ServedFeed, *, listed: bool, done: str) -> Response:
    fields = feed.request.values
    name, version = fields.get("gem_name", ""), fields.get("version", "")
    platform = fields.get("platform", "") or RUBY
    variant = "" if platform == RUBY else platform
    if not name or not version:
        raise Invalid("Which gem? Send gem_name and version.", code="missing-field")
    found = feed.find(full_name(name, version, variant))
    if found is None or found[1].listed == listed:
        raise NotFound(f"There is no {name} {version} ({platform}) in the feed {feed.name} to do that to.")
    feed.set_listed(name, found[0].version, listed=listed, variant=found[1].variant)
    return text_response(f"{done}: {full_name(name, version, variant)}")


# People -----------------------------------------------------------------------------------------------


@routes.route(
    "/api/v1/api_key", ("GET", "POST", "PUT"), None, harmless="it checks a password and gives its owner a key"
)
def api_key(feed: ServedFeed) -> Response:
    """Give a key to who sends the right password, for ``gem signin``."""
    sent = feed.request.authorization
    if sent is None or sent.type != "basic" or not sent.username:
        raise Unauthenticated("Signing in needs a name and a password; run 'gem signin'.")
    return text_response(feed.log_in(sent.username, sent.password or ""))


@routes.get("/api/v1/gems/<name>/owners")
@routes.get("/api/v1/gems/<name>/owners.json")
def owners(feed: ServedFeed, name: str) -> Response:
    """Name no owners: here rights belong to feeds."""
    feed.get_package(name)
    return json_response([])


@routes.get("/api/v1/gems/<name>/owners.yaml")
def owners_yaml(feed: ServedFeed, name: str) -> Response:
    """Name no owners, as gem reads it."""
    feed.get_package(name)
    return text_response("--- []\n")


# For tools --------------------------------------------------------------------------------------------


@routes.get("/api/v1/gems/<name>.json")
def gem_json(feed: ServedFeed, name: str) -> Response:
    """Describe the newest version of a gem."""
    package = feed.get_package(name)
    wanted = package.latest_stable or package.latest
    newest = next((each for each in package.versions if each.version == wanted and each.listed), None)
    if newest is None:
        raise NotFound(f"Every version of {name} was yanked from {feed.name}.", code="unknown-gem")
    return json_response({**_described(newest, newest.main), "gem_uri": f"{feed.url}/gems/{newest.main.filename}"})


@routes.get("/api/v1/versions/<name>.json")
def versions_json(feed: ServedFeed, name: str) -> Response:
    """Describe every version of a gem, the newest first."""
    package = feed.get_package(name)
    return json_response([_described(*each) for each in reversed(_shown(package))])


@routes.get("/api/v1/versions/<name>/latest.json")
def latest_json(feed: ServedFeed, name: str) -> Response:
    """Name the newest release of a gem."""
    return json_response({"version": feed.get_package(name).latest_stable or "unknown"})


@routes.get("/api/v1/search.json")
def search(feed: ServedFeed) -> Response:
    """Find gems by words in name or description."""
    page = feed.search(feed.request.args.get("query", ""), limit=30)
    return json_response(
        [
            {
                "name": item.name,
                "version": item.latest,
                "downloads": item.downloads,
                "info": item.description,
                "licenses": item.manifest.data["licenses"],
            }
            for item in page.items
        ]
    )


def _shown(package: PackageRecord) -> list[tuple[VersionRecord, FileRecord]]:
    return [(version, file) for version in package.versions for file in version.files if file.listed]


def _described(version: VersionRecord, file: FileRecord) -> dict[str, Any]:
    data = file.manifest.data
    kinds = ("runtime", "development")
    wanted = {
        kind: [{"name": each[0], "requirements": each[1]} for each in data["dependencies"] if each[2] == kind]
        for kind in kinds
    }
    return {
        "name": version.name,
        "number": version.version,
        "version": version.version,
        "platform": file.variant or RUBY,
        "prerelease": version.prerelease,
        "authors": file.manifest.authors,
        "info": file.manifest.description,
        "summary": data["summary"],
        "licenses": data["licenses"],
        "metadata": data["metadata"],
        "homepage_uri": data["homepage"],
        "sha": file.digests.sha256,
        "ruby_version": data["required_ruby"],
        "rubygems_version": data["required_rubygems"],
        "downloads": version.downloads,
        "created_at": version.published.isoformat(),
        "yanked": False,
        "dependencies": wanted,
    }


# For the public conformance suite ---------------------------------------------------------------------


@routes.route("/set_time", ("POST",), Permission.MANAGE_FEED)
def set_time(feed: ServedFeed) -> Response:
    """Stop the clock at a moment; only where the setting test_hooks is on."""
    _only_in_tests(feed)
    try:
        moment = datetime.fromisoformat(feed.request.get_data(as_text=True).strip())
    except ValueError:
        raise Invalid("The body is no moment; send it in ISO 8601.") from None
    feed.set_clock(moment)
    return text_response("ok")


@routes.route("/rebuild_versions_list", ("POST",), Permission.MANAGE_FEED)
def rebuild_versions_list(feed: ServedFeed) -> Response:
    """Write ``versions`` anew; only where the setting test_hooks is on."""
    _only_in_tests(feed)
    feed.rewrite_journal(compact.base_line)
    return text_response("ok")


def _only_in_tests(feed: ServedFeed) -> None:
    if not feed.test_hooks:
        raise NotFound("There is nothing here.", code="not-found")
