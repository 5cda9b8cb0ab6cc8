"""Tags: names that point at versions of a package."""

from __future__ import annotations

from flask import request

from app.domain.errors import NotFound
from app.domain.permissions import Permission
from app.services import access, packages, publishing
from app.services.runtime import Work
from app.storage import models as stored
from app.web.api.v1.models import Listed, Model, VersionText
from app.web.api.v1.operations import Answer, Call, Resource
from app.web.api.v1.packages import OfPackage
from app.web.api.v1.paging import cut, page

tags_v1 = Resource("Tags", "Names that point at versions, like latest.")
_VIEW = "View Feed/Package"


class Tag(Model):
    """Be a tag of a package."""

    name: str
    version: str


class TagTarget(Model):
    """Say at what a tag is to point."""

    version: VersionText


@tags_v1.get("/feeds/{feed}/tags", Listed[Tag], needs=_VIEW)
def list_tags(call: Call, feed: str, query: OfPackage) -> Answer:
    """List the tags that somebody set on a package, by name."""
    found = packages.get_package(call.work, access.get_feed(call.work, feed), query.package)
    rows = cut(list(found.tags.items()), query, lambda tag: tag[0])
    return page(Listed[Tag], rows, query, lambda tag: tag[0], lambda tag: Tag(name=tag[0], version=tag[1]))


@tags_v1.get("/feeds/{feed}/tags/{tag}/{package}", Tag, needs=_VIEW)
def get_tag(call: Call, feed: str, tag: str, package: str) -> Answer:
    """Give a tag."""
    return Answer(_tag(call.work, access.get_feed(call.work, feed), package, tag))


@tags_v1.put("/feeds/{feed}/tags/{tag}/{package}", Tag, needs="Add Package", examples={"body": {"version": "1.0.0"}})
def set_tag(call: Call, feed: str, tag: str, package: str, body: TagTarget) -> Answer:
    """Point a tag at a version; it is made where it is new."""
    held = access.get_feed(call.work, feed, Permission.ADD_PACKAGE)
    if "If-Match" in request.headers:
        call.check_match(_tag(call.work, held, package, tag))
    publishing.set_tag(call.work, held.name, package, tag, body.version)
    call.work.session.flush()
    return Answer(_tag(call.work, held, package, tag))


@tags_v1.delete("/feeds/{feed}/tags/{tag}/{package}", needs="Add Package")
def delete_tag(call: Call, feed: str, tag: str, package: str) -> Answer:
    """Remove a tag; the version stays."""
    held = access.get_feed(call.work, feed, Permission.ADD_PACKAGE)
    call.check_match(_tag(call.work, held, package, tag))
    publishing.remove_tag(call.work, held.name, package, tag)
    return Answer()


def _tag(work: Work, feed: stored.Feed, package: str, name: str) -> Tag:
    found = packages.get_package(work, feed, package)
    if name not in found.tags:
        raise NotFound(f"{found.name} has no tag {name!r} in {feed.name}; list its tags.", code="unknown-tag", tag=name)
    return Tag(name=name, version=found.tags[name])
