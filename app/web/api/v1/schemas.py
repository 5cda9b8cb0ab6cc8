"""The resources of the API: what goes in and what comes out, in camelCase."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.domain.permissions import KeyRight, Permission
from app.domain.promotion import Outcome

# NUL cannot be kept in a database; half a surrogate pair is no JSON text to begin with.
_PLAIN = r"^[^\x00]*$"
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_PLAIN)]
PackageName = Annotated[str, Field(min_length=1, max_length=500, pattern=_PLAIN)]
VersionText = Annotated[str, Field(min_length=1, max_length=300, pattern=_PLAIN)]
Line = Annotated[str, Field(max_length=500, pattern=_PLAIN)]
Text = Annotated[str, Field(max_length=4000, pattern=_PLAIN)]
Secret = Annotated[str, Field(max_length=1024, pattern=_PLAIN)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Model(BaseModel):
    """Be a resource or a part of one; unknown members are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, defer_build=True
    )
    secrets: ClassVar[set[str]] = set()


class Problem(BaseModel):
    """Say what was refused and why (RFC 9457); ``code`` is stable, further members hold the facts."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    code: str


# Lists ------------------------------------------------------------------------------------------------


class Paged(Model):
    """Ask for a page of a list."""

    limit: Annotated[int, Field(ge=1, le=200, description="Most items of a page.")] = 50
    cursor: Annotated[Line | None, Field(description="The member `next` of the page before.")] = None


class Page(Model):
    """Be a page of a list: ``next`` is the cursor of the page after it, null on the last."""

    next: str | None = None


# Feeds ------------------------------------------------------------------------------------------------


class Format(Model):
    """Be a package format that is loaded."""

    key: str
    title: str
    promotable: bool
    why_not_promotable: str | None


class FormatPage(Page):
    """Hold formats."""

    items: list[Format]


class Feed(Model):
    """Be a feed."""

    name: str
    format: str
    description: str
    group: str | None
    active: bool
    accepts: Literal["anything", "promotions"]
    promote_to: Literal["any", "list", "disabled"]
    targets: list[str]
    allow_overwrite: bool
    comments_required: bool
    url: str


class Counts(Model):
    """Count what a feed holds."""

    packages: int
    versions: int
    downloads: int


class FeedPage(Page):
    """Hold feeds."""

    items: list[Feed]


class FeedChange(Model):
    """Change a feed; what is left out or null stays, an empty group takes it out of its group."""

    description: Line | None = None
    group: Annotated[str, Field(max_length=100, pattern=_PLAIN)] | None = None
    active: bool | None = None
    accepts: Literal["anything", "promotions"] | None = None
    promote_to: Literal["any", "list", "disabled"] | None = None
    targets: Annotated[list[Name], Field(max_length=100)] | None = None
    allow_overwrite: bool | None = None
    comments_required: bool | None = None
    name: Annotated[str, Field(min_length=1, max_length=50, pattern=_PLAIN)] | None = None


class NewFeed(FeedChange):
    """Create a feed."""

    name: Annotated[str, Field(min_length=1, max_length=50, pattern=_PLAIN)]
    format: Name


class FeedGroup(Model):
    """Be a group of feeds, as far as one may see them."""

    name: str
    feeds: list[str]


class FeedGroupPage(Page):
    """Hold feed groups."""

    items: list[FeedGroup]


# Packages ---------------------------------------------------------------------------------------------


class PackageQuery(Paged):
    """Narrow a list of packages."""

    text: Annotated[Line, Field(description="A word of the name, the description or the keywords.")] = ""
    group: Annotated[Line | None, Field(description="One group or scope; empty: packages without one.")] = None
    prerelease: Annotated[bool, Field(description="Whether prereleases count.")] = True
    unlisted: Annotated[bool, Field(description="Whether unlisted versions count.")] = False
    sort: Literal["name", "published", "versions", "downloads", "license", "size", "latest"] = "name"
    descending: bool = False


class Package(Model):
    """Be a package of a feed, with its newest version."""

    name: str
    latest: str
    description: str
    license: str
    versions: int
    downloads: int
    published: datetime
    published_by: str


class PackagePage(Page):
    """Hold packages; ``total`` counts all that match."""

    items: list[Package]
    total: int


class VersionQuery(Paged):
    """Name a package whose versions are wanted."""

    package: PackageName


class OneVersion(Model):
    """Name a version."""

    package: PackageName
    version: Annotated[VersionText, Field(description="A version, or latest, latest-stable, latest-unstable.")]


class File(Model):
    """Be a file of a version; size in bytes, digests in hex."""

    filename: str
    variant: str
    listed: bool
    size: int
    sha256: str
    sha512: str
    sha1: str
    md5: str


class Version(Model):
    """Be a version in a feed; ``published`` when the world first saw it, ``added`` when it entered this feed."""

    package: str
    version: str
    prerelease: bool
    listed: bool
    deprecated: str
    origin: str
    published: datetime
    published_by: str
    added: datetime
    size: int
    downloads: int
    tags: list[str]
    files: list[File]


class VersionPage(Page):
    """Hold versions, the newest first."""

    items: list[Version]


class VersionChange(Model):
    """Change a version's state; what is left out or null stays, an empty deprecation takes it back."""

    listed: bool | None = None
    deprecated: Text | None = None


class OneTag(Model):
    """Name a tag of a package."""

    package: PackageName
    tag: Name


class TagChange(Model):
    """Point a tag at a version."""

    version: VersionText


# Promotions -------------------------------------------------------------------------------------------


class Item(Model):
    """Name a version to promote."""

    package: PackageName
    version: Annotated[VersionText, Field(description="A version, or latest or latest-stable.")]


class PlanRequest(Model):
    """Ask what a promotion would do."""

    source: Name
    target: Name
    items: Annotated[list[Item], Field(min_length=1, max_length=10_000)]
    comments: Text = ""


class NewPromotion(PlanRequest):
    """Promote; with a plan's fingerprint only if it is still true."""

    fingerprint: Annotated[str, Field(max_length=64, pattern=_PLAIN)] | None = None


class PlanItem(Model):
    """Say what happens to one version; ``reason`` and ``code`` where it does not go in."""

    package: str
    version: str
    outcome: Outcome
    digest: str | None
    target_digest: str | None
    size: int
    code: str
    reason: str


class Objection(Model):
    """Be a rule that stands against the whole promotion."""

    code: str
    reason: str


class Plan(Model):
    """Say what a promotion would do; ``size`` are the bytes that it would add."""

    source: str
    target: str
    applicable: bool
    fingerprint: str
    size: int
    items: list[PlanItem]
    objections: list[Objection]


class PromotedItem(Model):
    """Be one version of a promotion."""

    package: str
    version: str
    outcome: str
    digest: str


class Promotion(Model):
    """Be a promotion that was carried out."""

    number: int
    at: datetime
    format: str
    source: str
    target: str
    user: str
    comments: str
    count: int
    items: list[PromotedItem]


class PromotionLine(Model):
    """Be a promotion in a list, with its first version."""

    number: int
    at: datetime
    format: str
    source: str
    target: str
    user: str
    comments: str
    count: int
    first: PromotedItem


class PromotionQuery(Paged):
    """Narrow the history; ``since`` and ``until`` are days, the last one included."""

    source: Line = ""
    target: Line = ""
    feed: Annotated[Line, Field(description="Either end.")] = ""
    format: Line = ""
    text: Annotated[Line, Field(description="Words of a package's name.")] = ""
    user: Line = ""
    since: Annotated[str, Field(max_length=10, pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    until: Annotated[str, Field(max_length=10, pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""


class PromotionPage(Page):
    """Hold promotions, the newest first."""

    items: list[PromotionLine]


class PromotionResult(Model):
    """Say what a request to promote did; ``promotion`` is null where everything was there already."""

    promotion: Promotion | None
    repeated: bool


# People -----------------------------------------------------------------------------------------------


class User(Model):
    """Be a user."""

    name: str
    display_name: str
    email: str
    groups: list[str]
    active: bool
    directory: str
    created: datetime
    last_seen: datetime | None


class UserPage(Page):
    """Hold users."""

    items: list[User]


class UserQuery(Paged):
    """Narrow the list of users."""

    text: Annotated[Line, Field(description="A part of the name, display name or e-mail.")] = ""


class UserChange(Model):
    """Change a user; what is left out or null stays, groups replace the groups."""

    display_name: Annotated[str, Field(max_length=200, pattern=_PLAIN)] | None = None
    email: Annotated[str, Field(max_length=254, pattern=_PLAIN)] | None = None
    groups: Annotated[list[Name], Field(max_length=1000)] | None = None
    active: bool | None = None


class NewUser(Model):
    """Create a user; without a password they cannot sign in yet."""

    name: Name
    display_name: Annotated[str, Field(max_length=200, pattern=_PLAIN)] = ""
    email: Annotated[str, Field(max_length=254, pattern=_PLAIN)] = ""
    groups: Annotated[list[Name], Field(max_length=1000)] = []
    password: Secret | None = None


class Password(Model):
    """Set a password."""

    password: Secret


class Session(Model):
    """Be a sign-in with a browser."""

    number: int
    began: datetime
    seen: datetime
    address: str
    agent: str


class SessionPage(Page):
    """Hold sessions."""

    items: list[Session]


class Group(Model):
    """Be a group of users."""

    name: str
    members: list[str]


class GroupPage(Page):
    """Hold groups."""

    items: list[Group]


class NewGroup(Model):
    """Create a group."""

    name: Name
    members: Annotated[list[Name], Field(max_length=10_000)] = []


class GroupChange(Model):
    """Change a group; what is left out or null stays, members replace the members."""

    name: Name | None = None
    members: Annotated[list[Name], Field(max_length=10_000)] | None = None


# Rights -----------------------------------------------------------------------------------------------


class Task(Model):
    """Be a bundle of permission attributes."""

    name: str
    description: str
    built_in: bool
    attributes: list[Permission]
    findings: list[str]


class TaskPage(Page):
    """Hold tasks."""

    items: list[Task]


class NewTask(Model):
    """Create a task."""

    name: Name
    description: Text = ""
    attributes: Annotated[list[Permission], Field(min_length=1, max_length=100)]


class TaskChange(Model):
    """Change a task; what is left out or null stays."""

    name: Name | None = None
    description: Text | None = None
    attributes: Annotated[list[Permission], Field(min_length=1, max_length=100)] | None = None


class Grant(Model):
    """Be a task given to somebody on a scope, or with ``deny`` a restriction."""

    number: int
    task: str
    user: str | None
    group: str | None
    principal: Literal["everyone", "authenticated", "anonymous"] | None
    feed: str | None
    feed_group: str | None
    deny: bool


class GrantPage(Page):
    """Hold grants and restrictions."""

    items: list[Grant]


class NewGrant(Model):
    """Give a task to one user, group or principal, on a feed, a feed group or everywhere."""

    task: Name
    user: Name | None = None
    group: Name | None = None
    principal: Literal["everyone", "authenticated", "anonymous"] | None = None
    feed: Name | None = None
    feed_group: Name | None = None
    deny: bool = False


class PrivilegeQuery(Model):
    """Name whose rights are asked for, and on which feed; without one, on the installation."""

    kind: Literal["user", "group", "everyone", "authenticated", "anonymous"]
    name: Annotated[str, Field(max_length=100, pattern=_PLAIN)] = ""
    feed: Annotated[str, Field(max_length=100, pattern=_PLAIN)] = ""


class Privilege(Model):
    """Say whether a right is held, and which grant decided."""

    permission: Permission
    label: str
    allowed: bool
    by_proxy: bool
    grant: Grant | None


class PrivilegePage(Page):
    """Hold privileges."""

    items: list[Privilege]


class WhyQuery(Model):
    """Name a right of one's own, and a feed."""

    permission: Permission
    feed: Annotated[str, Field(max_length=100, pattern=_PLAIN)] = ""


class Why(Model):
    """Say whether one holds a right, which grant decided, and who can grant it."""

    permission: Permission
    label: str
    feed: str
    allowed: bool
    grant: Grant | None
    granters: list[str]


# Keys and events --------------------------------------------------------------------------------------


class Key(Model):
    """Be an API key, without its secret; ``prefix`` is how it begins."""

    number: int
    type: Literal["system", "feed", "personal"]
    name: str
    description: str
    prefix: str
    rights: list[str]
    feeds: list[str]
    feed_group: str | None
    user: str | None
    enabled: bool
    created: datetime
    expires: datetime | None
    last_used: datetime | None


class CreatedKey(Key):
    """Be a new key with its secret, in this answer only."""

    secrets: ClassVar[set[str]] = {"secret"}
    secret: str | None = None


class KeyPage(Page):
    """Hold keys."""

    items: list[Key]


class NewKey(Model):
    """Create a key: personal ones name a user, feed ones feeds or a feed group and rights."""

    type: Literal["system", "feed", "personal"]
    name: Name
    description: Text = ""
    user: Name | None = None
    feeds: Annotated[list[Name], Field(max_length=1000)] = []
    feed_group: Name | None = None
    rights: Annotated[list[KeyRight | Literal["feeds", "sca", "sbom-upload"]], Field(max_length=10)] = []
    expires: AwareDatetime | None = None


class KeyChange(Model):
    """Change a key; what is left out or null stays."""

    name: Name | None = None
    description: Text | None = None
    enabled: bool | None = None
    rights: Annotated[list[KeyRight | Literal["feeds", "sca", "sbom-upload"]], Field(max_length=10)] | None = None
    expires: AwareDatetime | None = None


class Use(Model):
    """Be one request made with a key."""

    at: datetime
    method: str
    path: str
    status: int
    address: str


class UsePage(Page):
    """Hold uses of a key, the newest first."""

    items: list[Use]


class EventQuery(Paged):
    """Narrow the event log; ``since`` and ``until`` are days, the last one included."""

    tag: Line = ""
    feed: Line = ""
    user: Line = ""
    text: Line = ""
    since: Annotated[str, Field(max_length=10, pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    until: Annotated[str, Field(max_length=10, pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""


class Event(Model):
    """Be an entry of the event log; ``hash`` covers it and everything before it."""

    number: int
    at: datetime
    user: str
    tag: str
    feed: str | None
    subject: str | None
    detail: dict[str, Any]
    hash: str


class EventPage(Page):
    """Hold events, the newest first."""

    items: list[Event]


class Me(Model):
    """Say who is speaking."""

    name: str
    anonymous: bool
    key: int | None
    rights: list[Permission]
