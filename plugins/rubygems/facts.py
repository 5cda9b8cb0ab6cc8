"""What the public server's API says of gems, as JSON: for tools, gem and Bundler ask for none of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.plugin import Invalid, Manifest, NotFound
from app.plugin.web import (
    FileRecord,
    PackageRecord,
    Response,
    Routes,
    ServedFeed,
    VersionRecord,
    json_response,
    text_error,
)

from .gemspec import DEVELOPMENT, RUNTIME
from .names import file_name
from .requirements import ANY
from .versions import is_prerelease
from .views import known

_PER_PAGE = 30
_URIS = (
    "source_code_uri",
    "changelog_uri",
    "documentation_uri",
    "bug_tracker_uri",
    "mailing_list_uri",
    "wiki_uri",
    "funding_uri",
)

routes = Routes(error=text_error)


@routes.get("/api/v1/gems/<name>.json")
def gem(feed: ServedFeed, name: str) -> Response:
    """Answer with what is known of a gem, from its newest version."""
    package = feed.get_package(known(name))
    newest = package.latest and next(each for each in package.versions if each.version == package.latest)
    if not newest or not newest.listed:
        raise NotFound(f"Every version of {package.name} is yanked from {feed.name}.", code="unknown-package")
    file = next(each for each in newest.files if each.listed)
    return json_response(
        {
            **about(file.manifest, feed.url),
            "downloads": sum(each.downloads for each in package.versions),
            "version_downloads": newest.downloads,
            "version_created_at": iso(newest.published),
            "yanked": False,
            "sha": file.digests.sha256,
        }
    )


@routes.get("/api/v1/versions/<name>.json")
def versions(feed: ServedFeed, name: str) -> Response:
    """Answer with the versions of a gem, newest first."""
    package = feed.get_package(known(name))
    return json_response([_version(version, file) for version, file in _listed(package)])


@routes.get("/api/v1/versions/<name>/latest.json")
def latest(feed: ServedFeed, name: str) -> Response:
    """Answer with the newest version of a gem."""
    found = feed.package(known(name))
    listed = [each.version for each in found.versions if each.listed] if found else []
    stable = [each for each in listed if not is_prerelease(each)]
    return json_response({"version": (stable or listed or ["unknown"])[-1]})


@routes.get("/api/v1/search.json")
def search(feed: ServedFeed) -> Response:
    """Answer with gems whose name or description has the words of ``query``; 30 a page."""
    arguments = feed.request.args
    offset = (_page(arguments.get("page", "1")) - 1) * _PER_PAGE
    page = feed.search(arguments.get("query", ""), offset=offset, limit=_PER_PAGE)
    return json_response([{**about(each.manifest, feed.url), "downloads": each.downloads} for each in page.items])


def _page(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text):
        return int(text)
    raise Invalid(f"{text[:50]!a} is no page; pages are counted from 1.")


def _listed(package: PackageRecord) -> list[tuple[VersionRecord, FileRecord]]:
    return [(version, file) for version in reversed(package.versions) for file in version.files if file.listed]


def about(manifest: Manifest, url: str) -> dict[str, Any]:
    """Give what a gem's file says of it, under the names of the public server's API."""
    data = manifest.data
    return {
        "name": manifest.name,
        "version": manifest.version,
        "platform": data["platform"],
        "authors": manifest.authors,
        "info": manifest.description,
        "licenses": data["licenses"],
        "metadata": data["metadata"],
        "project_uri": f"{url}/",
        "gem_uri": f"{url}/gems/{file_name(manifest.name, manifest.version, manifest.variant)}",
        "homepage_uri": data["homepage"] or None,
        **{key: data["metadata"].get(key) for key in _URIS},
        "dependencies": {
            group: [
                {"name": each.name, "requirements": each.range} for each in manifest.dependencies if each.group == group
            ]
            for group in (DEVELOPMENT, RUNTIME)
        },
    }


def _version(version: VersionRecord, file: FileRecord) -> dict[str, Any]:
    manifest, data = file.manifest, file.manifest.data
    return {
        "number": version.version,
        "platform": data["platform"],
        "prerelease": version.prerelease,
        "authors": manifest.authors,
        "built_at": f"{data['date']}T00:00:00.000Z",
        "created_at": iso(version.published),
        "description": manifest.description,
        "summary": data["summary"],
        "downloads_count": version.downloads,
        "licenses": data["licenses"],
        "metadata": data["metadata"],
        "requirements": data["requirements"],
        "ruby_version": data["ruby"],
        "rubygems_version": data["rubygems"] or ANY,
        "sha": file.digests.sha256,
    }


def iso(moment: datetime) -> str:
    """Write a moment as the public server does: UTC, milliseconds, ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
