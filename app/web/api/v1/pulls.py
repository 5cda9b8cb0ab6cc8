"""Pulls: what connectors offer, brought into a feed."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from app.services import access, imports, newest, pullplans, pulls, remotesearch, sources
from app.services.imports import Take
from app.services.plans import Wanted
from app.services.pullplans import PullOutcome
from app.services.pulls import PullRequest
from app.web.api.v1.models import ABSENT, FeedName, Flag, Model, PackageName, Pattern, Prose, Text, VersionText
from app.web.api.v1.operations import Answer, Call, Resource

pulls_v1 = Resource("Pulls", "What a feed's connectors offer, and bringing it into the feed.")


class RemoteLine(Model):
    """Be a package that a connector offers."""

    name: str
    latest: str
    description: str
    published: str | None = Field(description="As the source writes it.")
    connector: str


class Failure(Model):
    """Say why a connector could not be asked."""

    connector: str
    failure: str


class RemotePackages(Model):
    """Hold one page of what connectors found."""

    items: list[RemoteLine]
    failures: list[Failure]
    more: bool


class RemoteQuery(Model):
    """Say what is looked for."""

    text: Text = Field(default="", description="A word, or a package's whole name.")
    prerelease: Flag = Field(default=True, description="Whether prereleases count.")
    offset: int = Field(default=0, ge=0, le=10_000, strict=False)
    limit: int = Field(default=20, ge=1, le=100, strict=False)


class PullItem(Model):
    """Name a version to pull."""

    package: PackageName
    version: VersionText = Field(description="Its text, or latest.")


class PullWanted(Model):
    """Say what is to be pulled where."""

    feed: FeedName
    items: list[PullItem] = Field(min_length=1, max_length=5000)
    with_dependencies: bool = Field(default=False, description="With everything that installing them takes.")


class PullOrder(PullWanted):
    """Say what is to be pulled, and where it is promoted to once it is here."""

    promote_to: FeedName = ABSENT
    comments: Prose = ""


class PullNode(Model):
    """Be one version in the tree of a pull."""

    package: str
    version: str
    outcome: PullOutcome
    parent: int | None = Field(description="The position of what asks for it.")
    depth: int
    range: str
    group: str
    optional: bool
    again: bool = Field(description="Whether it stands in the tree already.")
    size: int
    connector: str
    reason: str


class PullPlan(Model):
    """Say what a pull would bring."""

    feed: str
    nodes: list[PullNode]
    failures: list[Failure]
    versions: int = Field(description="How many versions would be pulled.")
    obstacles: int = Field(description="How many needed ones can be had nowhere.")
    size: int = Field(description="Bytes, as far as the sources say.")


class PullStarted(Model):
    """Name the job that pulls."""

    job: int
    title: str
    versions: int


_EXAMPLE = {"feed": "npm-dev", "items": [{"package": "left", "version": "1.0.0"}]}


@pulls_v1.get("/feeds/{feed}/remote-packages", RemotePackages, needs="View Feed/Package", tagged=False)
def list_remote_packages(call: Call, feed: str, query: RemoteQuery) -> Answer:
    """Search what the connectors of a feed offer."""
    reach = sources.reach_of(call.work, access.get_feed(call.work, feed))
    call.work.session.rollback()
    found = remotesearch.find(
        call.work.runtime, reach, query.text, prerelease=query.prerelease, offset=query.offset, limit=query.limit
    )
    lines = [
        RemoteLine(
            name=line.name,
            latest=line.latest,
            description=line.description,
            published=line.published,
            connector=connector,
        )
        for line, connector in found.lines
    ]
    return Answer(RemotePackages(items=lines, failures=_failures(found.failures), more=found.more))


@pulls_v1.ask("/pulls/plan", PullPlan, needs="Pull Package", tagged=False, examples={"body": _EXAMPLE})
def plan_pull(call: Call, body: PullWanted) -> Answer:
    """Say what a pull would bring, as a tree, and do nothing."""
    return Answer(_shown(_plan(call, body)))


@pulls_v1.create(
    "/pulls",
    PullStarted,
    needs="Pull Package; Accept Package Promotions on the feed to promote to",
    tagged=False,
    examples={"body": {**_EXAMPLE, "withDependencies": True}},
)
def start_pull(call: Call, body: PullOrder) -> Answer:
    """Begin pulling as a job; each version comes whole or not at all."""
    wanted = _wanted(body)
    promote = wanted if body.promote_to else ()
    request = PullRequest(
        body.feed, wanted, body.promote_to or "", promote, body.comments, with_dependencies=body.with_dependencies
    )
    job = pulls.start(call.work, request)
    started = PullStarted(job=job.id, title=job.title, versions=len(request.items))
    return Answer(started, location=f"/jobs/{job.id}")


class ImportOrder(Model):
    """Say what is imported: packages of a connector, or a folder of the server."""

    feed: FeedName
    connector: Text = Field(default="", description="One of the feed's connectors; empty: any of them.")
    names: list[Pattern] = Field(default_factory=list, max_length=1000, description="Names or patterns; none: all.")
    take: Take = Field(default=Take.LATEST, description="Which versions of each package.")
    folder: Prose = Field(default="", description="A folder where Promontory runs; nothing else counts then.")


class JobStarted(Model):
    """Name the job that was begun."""

    job: int
    title: str


@pulls_v1.create(
    "/imports",
    JobStarted,
    needs="Pull Package; for a folder Add Package, and Configure everywhere",
    tagged=False,
    examples={"body": {"feed": "npm-dev", "connector": "public", "names": ["left*"]}},
)
def start_import(call: Call, body: ImportOrder) -> Answer:
    """Begin an import as a job; what is there with the same bytes is passed over, what is bad fails alone."""
    if body.folder:
        job = imports.start_folder(call.work, body.feed, body.folder)
    else:
        wanted = imports.PackagesRequest(body.feed, body.connector, tuple(body.names), body.take)
        job = imports.start_packages(call.work, wanted)
    return Answer(JobStarted(job=job.id, title=job.title), location=f"/jobs/{job.id}")


class LookOrder(Model):
    """Name the feed whose packages are looked after."""

    feed: FeedName


@pulls_v1.create("/newest", JobStarted, needs="Pull Package", tagged=False, examples={"body": {"feed": "npm-dev"}})
def look_for_newer(call: Call, body: LookOrder) -> Answer:
    """Begin looking for newer versions of what the feed holds, as a job."""
    job = newest.start(call.work, body.feed)
    return Answer(JobStarted(job=job.id, title=job.title), location=f"/jobs/{job.id}")


def _wanted(body: PullWanted) -> tuple[Wanted, ...]:
    return tuple(Wanted(item.package, item.version) for item in body.items)


def _plan(call: Call, body: PullWanted) -> pullplans.PullPlan:
    runtime, actor = call.work.runtime, call.work.actor
    call.work.session.rollback()
    return pullplans.plan(runtime, actor, body.feed, _wanted(body), with_dependencies=body.with_dependencies)


def _shown(plan: pullplans.PullPlan) -> PullPlan:
    nodes = [
        PullNode(
            package=node.name,
            version=node.version,
            outcome=node.outcome,
            parent=node.parent,
            depth=node.depth,
            range=node.range,
            group=node.group,
            optional=node.optional,
            again=node.again,
            size=node.size,
            connector=node.connector,
            reason=node.reason,
        )
        for node in plan.nodes
    ]
    return PullPlan(
        feed=plan.feed,
        nodes=nodes,
        failures=_failures(plan.failures),
        versions=len(plan.items),
        obstacles=len(plan.obstacles),
        size=plan.size,
    )


def _failures(found: Iterable[tuple[str, str]]) -> list[Failure]:
    return [Failure(connector=name, failure=said) for name, said in found]
