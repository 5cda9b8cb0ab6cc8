"""What clients of the plain format ask a feed."""

from app.plugin import Permission
from app.plugin.web import Response, Routes, ServedFeed, text_error, text_response

routes = Routes(error=text_error)


@routes.get("/<name>")
def listing(feed: ServedFeed, name: str) -> Response:
    """Give the versions of a package, one a line."""
    package = feed.get_package(name)
    text = "".join(f"{version.version}\n" for version in package.versions)
    return feed.document("versions", text.encode, content_type="text/plain", package=name)


@routes.get("/<name>/<version>", needs=Permission.DOWNLOAD_PACKAGE)
def download(feed: ServedFeed, name: str, version: str) -> Response:
    """Give a version's file."""
    return feed.send(feed.get_version(name, version).main, "text/plain")


@routes.route("/<name>", ("PUT",), Permission.ADD_PACKAGE)
def publish(feed: ServedFeed, name: str) -> Response:
    """Take a file."""
    done = feed.publish(feed.request.stream, f"{name}.txt")
    return text_response(f"{done.name} {done.version}\n", 201 if done.created else 200)
