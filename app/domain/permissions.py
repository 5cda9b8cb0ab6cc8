"""Who may do what: attributes, built-in tasks and the resolution of grants and restrictions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Permission(StrEnum):
    """Name one attribute that a task can contain; the values are the vendor's codes."""

    ACCEPT_PROMOTIONS = "Feeds_AcceptPackagePromotions"
    ADD_PACKAGE = "Feeds_AddPackage"
    ASSESS_VULNERABILITIES = "Vulnerabilities_Assess"
    CONFIGURE = "Admin_ConfigureProGet"
    DELETE_PACKAGE = "Feeds_DeletePackage"
    DOWNLOAD_PACKAGE = "Feeds_DownloadPackage"
    MANAGE_CONNECTORS = "Admin_ManageConnectors"
    MANAGE_CREDENTIALS = "Credentials_Manage"
    MANAGE_FEED = "Admin_ManageFeed"
    MANAGE_LICENSES = "Licenses_Manage"
    MANAGE_PROJECTS = "Projects_Manage"
    MANAGE_SCHEDULED_TASKS = "Admin_ManageScheduledTasks"
    OVERWRITE_PACKAGE = "Feeds_OverwritePackage"
    PULL_PACKAGE = "Feeds_PullPackage"
    RESOLVE_PROJECT_ISSUE = "Projects_ResolveIssue"
    UNLIST_PACKAGE = "Feeds_UnlistPackage"
    UPLOAD_SBOM = "Projects_UploadSbom"
    VIEW_FEED = "Feeds_ViewFeed"
    VIEW_PASSWORDS = "Credentials_ViewPasswords"
    VIEW_PROJECTS = "Projects_View"
    VIEW_SCHEDULED_TASKS = "Admin_ViewScheduledTasks"


LABELS: dict[Permission, str] = {
    Permission.VIEW_FEED: "View Feed/Package",
    Permission.DOWNLOAD_PACKAGE: "Download Package",
    Permission.DELETE_PACKAGE: "Delete Package",
    Permission.ADD_PACKAGE: "Add Package",
    Permission.PULL_PACKAGE: "Pull Package",
    Permission.OVERWRITE_PACKAGE: "Overwrite Package",
    Permission.ACCEPT_PROMOTIONS: "Accept Package Promotions",
    Permission.UNLIST_PACKAGE: "Unlist Package",
    Permission.MANAGE_CONNECTORS: "Manage Connectors",
    Permission.MANAGE_FEED: "Manage Feeds",
    Permission.CONFIGURE: "Configure Promontory",
    Permission.VIEW_SCHEDULED_TASKS: "View Scheduled Tasks",
    Permission.MANAGE_SCHEDULED_TASKS: "Manage Scheduled Tasks",
    Permission.ASSESS_VULNERABILITIES: "Assess Vulnerabilities",
    Permission.MANAGE_CREDENTIALS: "Manage Credentials",
    Permission.VIEW_PASSWORDS: "View Passwords",
    Permission.MANAGE_LICENSES: "Manage Licenses",
    Permission.UPLOAD_SBOM: "Upload SBOM",
    Permission.VIEW_PROJECTS: "View Projects",
    Permission.MANAGE_PROJECTS: "Manage Projects",
    Permission.RESOLVE_PROJECT_ISSUE: "Resolve Project Issue",
}

FEED_PERMISSIONS: frozenset[Permission] = frozenset(
    {
        Permission.VIEW_FEED,
        Permission.DOWNLOAD_PACKAGE,
        Permission.DELETE_PACKAGE,
        Permission.ADD_PACKAGE,
        Permission.PULL_PACKAGE,
        Permission.OVERWRITE_PACKAGE,
        Permission.ACCEPT_PROMOTIONS,
        Permission.UNLIST_PACKAGE,
        Permission.MANAGE_CONNECTORS,
        Permission.MANAGE_FEED,
    }
)

READING = frozenset({Permission.VIEW_FEED, Permission.DOWNLOAD_PACKAGE})


@dataclass(frozen=True, slots=True)
class BuiltInTask:
    """Describe a task that every installation starts with."""

    name: str
    description: str
    attributes: frozenset[Permission]


BUILT_IN_TASKS: tuple[BuiltInTask, ...] = (
    BuiltInTask("Administer", "Do everything, everywhere in the scope.", frozenset(Permission)),
    BuiltInTask("Manage Feed", "Change a feed, its packages and its connectors.", FEED_PERMISSIONS),
    BuiltInTask(
        "Manage Projects",
        "Manage projects and their bills of materials.",
        frozenset(
            {
                Permission.UPLOAD_SBOM,
                Permission.VIEW_PROJECTS,
                Permission.MANAGE_PROJECTS,
                Permission.RESOLVE_PROJECT_ISSUE,
            }
        ),
    ),
    BuiltInTask(
        "Promote Packages",
        "Promote packages into the feeds of the scope.",
        READING | {Permission.ADD_PACKAGE, Permission.ACCEPT_PROMOTIONS},
    ),
    BuiltInTask(
        "Publish Packages",
        "Publish, upload and pull packages.",
        READING | {Permission.ADD_PACKAGE, Permission.PULL_PACKAGE},
    ),
    BuiltInTask("View & Download Packages", "See a feed and download from it.", READING),
)


def implications(attributes: frozenset[Permission]) -> list[tuple[str, str]]:
    """Give what a task allows beyond its words, or cannot allow as it is: pairs of a code and a sentence's end."""
    return [*_by_proxy(attributes), *_nonsensical(attributes)]


def _by_proxy(attributes: frozenset[Permission]) -> Iterator[tuple[str, str]]:
    if Permission.CONFIGURE in attributes:
        if attributes != frozenset(Permission):
            yield "by-proxy", "contains Configure, which stands for every attribute: whoever has it may do everything."
    elif Permission.MANAGE_FEED in attributes:
        if not attributes >= FEED_PERMISSIONS:
            yield "by-proxy", "contains Manage Feeds, which stands for every attribute of a feed."
    elif attributes >= {Permission.ACCEPT_PROMOTIONS, Permission.ADD_PACKAGE}:
        sentence = (
            "contains Add Package beside Accept Package Promotions: whoever has it can also publish straight into "
            "the feed. Promoting itself needs only Accept Package Promotions."
        )
        yield "by-proxy", sentence


def _nonsensical(attributes: frozenset[Permission]) -> Iterator[tuple[str, str]]:
    if attributes & {Permission.MANAGE_FEED, Permission.CONFIGURE}:
        return
    acting = attributes & FEED_PERMISSIONS - {Permission.VIEW_FEED}
    if acting and Permission.VIEW_FEED not in attributes:
        names = ", ".join(sorted(LABELS[each] for each in acting))
        yield "nonsensical", f"allows {names} without View Feed/Package: useless unless another task gives that too."
    if Permission.MANAGE_SCHEDULED_TASKS in attributes and Permission.VIEW_SCHEDULED_TASKS not in attributes:
        yield "nonsensical", "allows Manage Scheduled Tasks without View Scheduled Tasks."
    if attributes & {Permission.MANAGE_PROJECTS, Permission.RESOLVE_PROJECT_ISSUE} and (
        Permission.VIEW_PROJECTS not in attributes
    ):
        yield "nonsensical", "allows work on projects without View Projects."


class Kinship(IntEnum):
    """Rank how closely a grant names somebody; the closest decides."""

    USER = 0
    GROUP = 1
    EVERYONE = 2


class Reach(IntEnum):
    """Rank how closely a grant names a feed; the closest decides."""

    FEED = 0
    FEED_GROUP = 1
    EVERYWHERE = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one grant or restriction that already matched its person and its place."""

    attributes: frozenset[Permission]
    kinship: Kinship
    reach: Reach
    deny: bool
    grant_id: int = 0


def covers(attributes: frozenset[Permission], wanted: Permission) -> bool:
    """Tell whether a task's attributes include one, itself or by proxy.

    Configure stands for everything; Manage Feed stands for every feed attribute.
    """
    if wanted in attributes or Permission.CONFIGURE in attributes:
        return True
    return wanted in FEED_PERMISSIONS and Permission.MANAGE_FEED in attributes


def decide(entries: Iterable[Entry], wanted: Permission) -> Entry | None:
    """Give the entry that decides about one attribute, or None where nothing speaks of it.

    The order is the vendor's: a user's own entry before a group's, a feed's before its group's before
    everywhere, a restriction before a permission. Pseudo-principals rank behind groups.
    """
    speaking = [entry for entry in entries if covers(entry.attributes, wanted)]
    return min(speaking, key=lambda e: (e.kinship, e.reach, not e.deny), default=None)


def resolve(entries: Iterable[Entry], wanted: Permission) -> bool:
    """Tell whether an attribute is allowed: the first entry decides, silence denies."""
    deciding = decide(entries, wanted)
    return deciding is not None and not deciding.deny


class KeyRight(StrEnum):
    """Name one right of a feed key, as the vendor's API spells it."""

    VIEW = "view"
    ADD = "add"
    PROMOTE = "promote"
    DELETE = "delete"


KEY_RIGHTS: dict[KeyRight, frozenset[Permission]] = {
    KeyRight.VIEW: READING,
    KeyRight.ADD: frozenset({Permission.ADD_PACKAGE, Permission.PULL_PACKAGE}),
    KeyRight.PROMOTE: frozenset({Permission.ACCEPT_PROMOTIONS}),
    KeyRight.DELETE: frozenset({Permission.DELETE_PACKAGE, Permission.OVERWRITE_PACKAGE, Permission.UNLIST_PACKAGE}),
}
