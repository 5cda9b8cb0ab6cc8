"""Read which package version a request means, in every spelling of the contract."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.errors import Invalid, InvalidPackage, NotFound
from app.plugin.format import FeedFormat
from app.plugin.records import FileRecord, VersionRecord
from app.web.api import purls
from app.web.api.calls import Fields

NAMES = ("name", "packageName", "package")
GROUPS = ("group", "groupName")


@dataclass(frozen=True, slots=True)
class Meant:
    """Hold a full name and a version (or alias) as a request spells them; ``qualifier`` names a file of it."""

    name: str
    version: str
    qualifier: str = ""


def has_groups(format: FeedFormat) -> bool:
    """Tell whether the packages of a format have groups."""
    return bool(format.split_name(format.join_name("g", "x"))[0])


def full_name(format: FeedFormat, group: str, name: str) -> str:
    """Give the full name of a group and a name; raise InvalidPackage for a group where there are none."""
    if group.strip() and not has_groups(format):
        raise InvalidPackage(f"{format.title} packages have no group such as {group[:60]!r}; leave it out.")
    return format.join_name(group.strip(), name.strip())


def name_in(fields: Fields, format: FeedFormat) -> str | None:
    """Give the full name that name and group make, or None where no name was sent."""
    name = fields.text(*NAMES)
    return full_name(format, fields.text(*GROUPS), name) if name.strip() else None


def version_in(fields: Fields, format: FeedFormat) -> Meant:
    """Give the version that a request names by name, group, version and qualifier, or by purl; raise Invalid."""
    if fields.text("purl"):
        return _by_purl(fields, format)
    name = full_name(format, fields.text(*GROUPS), fields.required(*NAMES))
    return Meant(name, fields.required("version"), purls.tidy(fields.text("qualifier")))


def _by_purl(fields: Fields, format: FeedFormat) -> Meant:
    purl = purls.parse(fields.text("purl"))
    if not purls.matches(purl, format):
        raise Invalid(
            f"The package URL is of the type {purl.type}, but the feed holds {format.title} packages; "
            f"use pkg:{format.purl_type}/...",
            code="format-mismatch",
        )
    name, also = full_name(format, purl.group, purl.name), name_in(fields, format)
    if also is not None and format.name_key(also) != format.name_key(name):
        raise Invalid("The package URL and the name mean different packages; send one of them.")
    return Meant(
        name,
        purl.version or fields.required("version"),
        purl.qualifier or purls.tidy(fields.text("qualifier")),
    )


def files_by_qualifier(format: FeedFormat, version: VersionRecord) -> dict[str, FileRecord]:
    """Give the files of a version that can be asked for one by one: those with a qualifier, else the main file."""
    files: dict[str, FileRecord] = {}
    for file in version.files:
        files.setdefault(format.qualifier(file.variant), file)
    return {qualifier: file for qualifier, file in files.items() if qualifier} or {"": version.main}


def choose_file(format: FeedFormat, version: VersionRecord, qualifier: str) -> FileRecord:
    """Give the file of a version that a qualifier names.

    Raises Invalid where several could be meant and none is named, NotFound where there is none of that name.
    """
    files = files_by_qualifier(format, version)
    thing, known = f"{version.name} {version.version}", " or ".join(filter(None, files))
    if qualifier:
        if qualifier not in files:
            ways = f"send {known}" if known else "leave the qualifier out"
            raise NotFound(f"{thing} has no file {qualifier!r}; {ways}.", code="unknown-file")
        return files[qualifier]
    if len(files) == 1:
        return next(iter(files.values()))
    raise Invalid(f"{thing} has several files; send the qualifier {known}.", code="qualifier-needed")
