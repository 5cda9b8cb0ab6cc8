"""What clients of the Maven-like format ask: paths that spell group, artifact and version."""

from app.plugin import Invalid, NotFound, Permission
from app.plugin.web import Response, Routes, ServedFeed, text_error, text_response

routes = Routes(error=text_error)


@routes.get("/<path:folder>/maven-metadata.xml")
def listing(feed: ServedFeed, folder: str) -> Response:
    """Give the versions of an artifact."""
    package = feed.get_package(_coordinate(folder))
    versions = "".join(f"<version>{version.version}</version>" for version in package.versions)
    text = f"<metadata><versions>{versions}</versions></metadata>"
    return feed.document("metadata", text.encode, content_type="application/xml", package=package.name)


@routes.get("/<path:folder>/<version>/<file>", needs=Permission.DOWNLOAD_PACKAGE)
def download(feed: ServedFeed, folder: str, version: str, file: str) -> Response:
    """Give a version's jar."""
    found = feed.get_version(_coordinate(folder), version)
    if file != found.main.filename:
        raise NotFound(f"There is no {file[:80]!r} beside {found.main.filename}; ask for that file.")
    return feed.send(found.main, "application/java-archive")


@routes.route("/<path:folder>/<version>/<file>", ("PUT",), Permission.ADD_PACKAGE)
def publish(feed: ServedFeed, folder: str, version: str, file: str) -> Response:
    """Take a jar; what it says of itself decides, and its path has to agree."""
    wanted = f"{folder}/{version}/{file}"
    blob = feed.store(iter(lambda: feed.request.stream.read(1 << 18), b""))
    done = feed.publish_stored(blob, file, expect=lambda manifest: _check(manifest.name, wanted))
    return text_response(f"{done.name}:{done.version}\n", 201)


def _check(name: str, path: str) -> None:
    if not path.startswith(name.replace(".", "/").replace(":", "/") + "/"):
        raise Invalid(f"The jar is {name}; send it to the path of that name.")


def _coordinate(folder: str) -> str:
    group, _, artifact = folder.rpartition("/")
    return f"{group.replace('/', '.')}:{artifact}"
