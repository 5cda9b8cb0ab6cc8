"""What ``gem push``, ``gem yank`` and ``gem owner`` send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from app.plugin import Conflict, Forbidden, Invalid, InvalidPackage, Manifest, NotFound, Permission
from app.plugin.web import (
    FileRecord,
    Response,
    Routes,
    ServedFeed,
    VersionRecord,
    json_response,
    text_error,
    text_response,
)

from .names import full_name
from .platforms import RUBY
from .views import find, known

MAX_MULTIPART = 512 * 1024**2
_CHUNK = 256 * 1024

routes = Routes(error=text_error)


class UnreadableGem(InvalidPackage):
    """Refuse a pushed gem as the public server does: the request was fine, the gem in it is not."""

    status = 422


@routes.route("/api/v1/gems", ("POST",), Permission.ADD_PACKAGE)
def push(feed: ServedFeed) -> Response:
    """Publish a gem, which is the body or the file ``gem`` of a form; attestations that come with it are not kept."""
    blob = feed.store(_chunks(_sent_gem(feed)))
    try:
        done = feed.publish_stored(blob, "push.gem", expect=_not_yanked(feed))
    except InvalidPackage as error:
        raise UnreadableGem(error.message, code=error.code) from error
    said = "Successfully registered gem" if done.created else "This gem was already pushed"
    return text_response(f"{said}: {done.name} ({done.version})")


def _sent_gem(feed: ServedFeed) -> BinaryIO:
    request = feed.request
    if not request.mimetype.startswith("multipart/"):
        return cast(BinaryIO, request.stream)
    request.max_content_length = MAX_MULTIPART
    file = request.files.get("gem")
    if file is None:
        raise Invalid("The form has no file 'gem'; push with 'gem push'.", code="no-file")
    return cast(BinaryIO, file.stream)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _not_yanked(feed: ServedFeed) -> Callable[[Manifest], None]:
    def check(manifest: Manifest) -> None:
        name = full_name(manifest.name, manifest.version, manifest.variant)
        found = feed.find(name)
        if found is not None and not found[1].listed:
            raise Conflict(
                f"{name} was yanked from {feed.name} and cannot be pushed again; raise the version, or take the yank "
                "back on the version's page.",
                code="version-yanked",
            )

    return check


# Yanking ------------------------------------------------------------------------------------------------


@routes.route("/api/v1/gems/yank", ("DELETE",), Permission.UNLIST_PACKAGE)
def yank(feed: ServedFeed) -> Response:
    """Yank one platform's gem of a version: it is in no list and cannot be fetched any more."""
    wanted = _wanted(feed)
    version, file = find(feed, wanted)
    feed.set_listed(version.name, version.version, listed=False, variant=file.variant)
    return text_response(f"Successfully deleted gem: {wanted}")


@routes.route("/api/v1/gems/unyank", ("PUT",), Permission.UNLIST_PACKAGE)
def unyank(feed: ServedFeed) -> Response:
    """Take a yank back."""
    wanted = _wanted(feed)
    version, file = _held(feed, wanted)
    feed.set_listed(version.name, version.version, listed=True, variant=file.variant)
    return text_response(f"Successfully restored gem: {wanted}")


def _wanted(feed: ServedFeed) -> str:
    """Give the full name of what a form speaks of."""
    form = feed.request.form
    name, version, platform = (form.get(key, "").strip() for key in ("gem_name", "version", "platform"))
    if not name or not version:
        raise Invalid("Send gem_name and version, and the platform unless it is ruby.", code="no-version")
    return full_name(name, version, "" if platform == RUBY else platform)


def _held(feed: ServedFeed, name: str) -> tuple[VersionRecord, FileRecord]:
    found = feed.find(name) if name.isascii() and name.isprintable() else None
    if found is None:
        raise NotFound(f"There never was a gem {name[:200]!a} in the feed {feed.name}.", code="unknown-file")
    return found


# Owners -------------------------------------------------------------------------------------------------


@routes.get("/api/v1/gems/<name>/owners.json")
def owners(feed: ServedFeed, name: str) -> Response:
    """Answer with who published versions of a gem."""
    return json_response([{"handle": each} for each in _publishers(feed, name)])


@routes.get("/api/v1/gems/<name>/owners.yaml")
@routes.get("/api/v1/gems/<name>/owners")
def owners_yaml(feed: ServedFeed, name: str) -> Response:
    """Answer with who published versions of a gem, as YAML."""
    # YAML reads JSON, and Ruby reads no key there that has no space behind its colon.
    lines = [f'- handle: "{each}"\n' for each in _publishers(feed, name) if each.isprintable() and '"' not in each]
    return text_response("---\n" + "".join(lines) if lines else "--- []\n")


def _publishers(feed: ServedFeed, name: str) -> list[str]:
    package = feed.get_package(known(name))
    return list(dict.fromkeys(each.published_by for each in package.versions if each.published_by))


@routes.route("/api/v1/gems/<name>/owners", ("POST", "DELETE"), Permission.ADD_PACKAGE)
def change_owners(feed: ServedFeed, name: str) -> Response:
    """Say that owners are not kept for each gem."""
    raise Forbidden(
        f"Owners are not kept for each gem: whoever may publish to {feed.name} may publish {known(name)}; see the "
        "feed's permissions.",
        code="no-owners",
    )
