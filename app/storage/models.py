"""The tables. Keys are compared byte by byte, so that a version key's order is the version order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    true,
)
from sqlalchemy import BigInteger as _BigInteger
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Utc(TypeDecorator[datetime]):
    """Store moments in UTC and give them back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring a moment to UTC before it is stored."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give a stored moment its time zone back."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


Key = String(1000).with_variant(String(1000, collation="C"), "postgresql")
Bytes = _BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Be the base of every model."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSON, datetime: Utc()}


class Setting(Base):
    """Hold what the installation remembers about itself (its cookie secret, its port)."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


# People and rights ------------------------------------------------------------------------------------

membership = Table(
    "membership",
    Base.metadata,
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", ForeignKey("group.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class User(Base):
    """Be a person who signs in; ``epoch`` goes up to end every session of theirs.

    ``directory`` is who vouches for them; ``key`` is unique over all directories (``app.services.directories``).
    """

    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    directory: Mapped[str] = mapped_column(String(50), default="built-in", server_default="built-in")
    name: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(Key, unique=True)
    display_name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    password_hash: Mapped[str | None] = mapped_column(String(300))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    epoch: Mapped[int] = mapped_column(default=0)
    created: Mapped[datetime]
    last_seen: Mapped[datetime | None]
    groups: Mapped[list[Group]] = relationship(secondary=membership, back_populates="users", order_by="Group.name")


class Group(Base):
    """Be a set of users who share grants."""

    __tablename__ = "group"
    id: Mapped[int] = mapped_column(primary_key=True)
    directory: Mapped[str] = mapped_column(String(50), default="built-in", server_default="built-in")
    name: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(Key, unique=True)
    users: Mapped[list[User]] = relationship(secondary=membership, back_populates="groups", order_by="User.name")


class UserSession(Base):
    """Be one sign-in of a user with a browser; the cookie holds its secret, here is only the SHA-256."""

    __tablename__ = "user_session"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(Key, unique=True)
    began: Mapped[datetime]
    seen: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(100), default="")
    agent: Mapped[str] = mapped_column(String(300), default="")
    user: Mapped[User] = relationship()


class Task(Base):
    """Be a named bundle of permission attributes."""

    __tablename__ = "task"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(Key, unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    built_in: Mapped[bool] = mapped_column(Boolean, default=False)
    attributes: Mapped[list[TaskAttribute]] = relationship(cascade="all, delete-orphan")


class TaskAttribute(Base):
    """Be one attribute of a task."""

    __tablename__ = "task_attribute"
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    attribute: Mapped[str] = mapped_column(String(60), primary_key=True)


class Grant(Base):
    """Give a task to somebody on a scope, or restrict it there (``deny``).

    ``principal`` is user, group, everyone, authenticated or anonymous. No feed and no group: everywhere.
    """

    __tablename__ = "grant"
    __table_args__ = (
        CheckConstraint("feed_id IS NULL OR feed_group_id IS NULL", name="one_scope"),
        CheckConstraint("user_id IS NULL OR group_id IS NULL", name="one_principal"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    principal: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group.id", ondelete="CASCADE"), index=True)
    feed_id: Mapped[int | None] = mapped_column(ForeignKey("feed.id", ondelete="CASCADE"), index=True)
    feed_group_id: Mapped[int | None] = mapped_column(ForeignKey("feed_group.id", ondelete="CASCADE"), index=True)
    deny: Mapped[bool] = mapped_column(Boolean, default=False)
    task: Mapped[Task] = relationship()
    user: Mapped[User | None] = relationship()
    group: Mapped[Group | None] = relationship()
    feed: Mapped[Feed | None] = relationship()
    feed_group: Mapped[FeedGroup | None] = relationship()


api_key_feed = Table(
    "api_key_feed",
    Base.metadata,
    Column("api_key_id", ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True),
    Column("feed_id", ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class ApiKey(Base):
    """Be a secret that acts for a script: system, feed or personal. Only its SHA-256 is stored."""

    __tablename__ = "api_key"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    prefix: Mapped[str] = mapped_column(String(20))
    secret_hash: Mapped[str] = mapped_column(Key, unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    feed_group_id: Mapped[int | None] = mapped_column(ForeignKey("feed_group.id", ondelete="CASCADE"), index=True)
    rights: Mapped[list[str]] = mapped_column(JSON, default=list)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    expires: Mapped[datetime | None]
    created: Mapped[datetime]
    last_used: Mapped[datetime | None]
    user: Mapped[User | None] = relationship()
    feed_group: Mapped[FeedGroup | None] = relationship()
    feeds: Mapped[list[Feed]] = relationship(secondary=api_key_feed, order_by="Feed.name")


class KeyUse(Base):
    """Be one request that was made with an API key; the query is left out, since secrets end up there."""

    __tablename__ = "key_use"
    __table_args__ = (Index(None, "api_key_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    method: Mapped[str] = mapped_column(String(10))
    path: Mapped[str] = mapped_column(String(1000))
    status: Mapped[int]
    address: Mapped[str] = mapped_column(String(100), default="")


# Feeds and what they hold -----------------------------------------------------------------------------


class FeedGroup(Base):
    """Be a set of feeds that belong together: a team's, or the stages of a pipeline."""

    __tablename__ = "feed_group"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(Key, unique=True)
    feeds: Mapped[list[Feed]] = relationship(back_populates="group", order_by="Feed.name")


feed_target = Table(
    "feed_target",
    Base.metadata,
    Column("feed_id", ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True),
    Column("target_id", ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Feed(Base):
    """Be a named collection of packages of one format.

    ``serial`` counts its committed changes, ``pruned`` is the serial at which a package last went. ``remote`` says what
    its connectors are for: off, browse or cache. Names in ``reserved_names`` (patterns) and of packages that it holds
    itself are never filled from a connector, unless a pattern in ``allowed_names`` says so.
    """

    __tablename__ = "feed"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    key: Mapped[str] = mapped_column(Key, unique=True)
    format: Mapped[str] = mapped_column(String(50))
    description: Mapped[str] = mapped_column(Text, default="")
    group_id: Mapped[int | None] = mapped_column(ForeignKey("feed_group.id", ondelete="SET NULL"), index=True)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    accepts: Mapped[str] = mapped_column(String(20), default="anything")
    promote_to: Mapped[str] = mapped_column(String(20), default="any")
    allow_overwrite: Mapped[bool] = mapped_column(Boolean, default=False)
    comments_required: Mapped[bool] = mapped_column(Boolean, default=False)
    serial: Mapped[int] = mapped_column(default=0)
    pruned: Mapped[int] = mapped_column(default=0, server_default="0")
    remote: Mapped[str] = mapped_column(String(20), default="browse", server_default="browse")
    reserved_names: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    allowed_names: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    journal_begun: Mapped[datetime | None]
    created: Mapped[datetime]
    group: Mapped[FeedGroup | None] = relationship(back_populates="feeds")
    targets: Mapped[list[Feed]] = relationship(
        secondary=feed_target,
        primaryjoin=lambda: Feed.id == feed_target.c.feed_id,
        secondaryjoin=lambda: Feed.id == feed_target.c.target_id,
        order_by=lambda: Feed.name,
    )
    links: Mapped[list[FeedConnector]] = relationship(
        cascade="all, delete-orphan", order_by="FeedConnector.position", back_populates="feed"
    )


class Connector(Base):
    """Be a source that feeds of one format can fetch from: a remote registry by its address, or another feed here.

    ``filters`` are patterns: one that begins with ``!`` blocks, any other allows. ``secret`` is encrypted with a key
    that the database does not hold. What the last check found is kept beside it: ``checked`` is when, ``failure`` is
    empty where the source answered, ``latency`` is in milliseconds.
    """

    __tablename__ = "connector"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(Key, unique=True)
    format: Mapped[str] = mapped_column(String(50))
    url: Mapped[str] = mapped_column(String(2000), default="")
    feed_id: Mapped[int | None] = mapped_column(ForeignKey("feed.id", ondelete="CASCADE"), index=True)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    timeout: Mapped[int] = mapped_column(default=10)
    filters: Mapped[list[str]] = mapped_column(JSON, default=list)
    credential: Mapped[str] = mapped_column(String(20), default="none")
    username: Mapped[str] = mapped_column(String(200), default="")
    secret: Mapped[str] = mapped_column(Text, default="")
    cache_minutes: Mapped[int] = mapped_column(default=30)
    created: Mapped[datetime]
    checked: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(Text, default="")
    latency: Mapped[int | None]
    server: Mapped[str] = mapped_column(String(200), default="")
    feed: Mapped[Feed | None] = relationship()
    links: Mapped[list[FeedConnector]] = relationship(cascade="all, delete-orphan", back_populates="connector")


class FeedConnector(Base):
    """Attach a connector to a feed; a lower ``position`` is asked first."""

    __tablename__ = "feed_connector"
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id", ondelete="CASCADE"), primary_key=True)
    connector_id: Mapped[int] = mapped_column(
        ForeignKey("connector.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int] = mapped_column(default=0)
    feed: Mapped[Feed] = relationship(back_populates="links")
    connector: Mapped[Connector] = relationship(back_populates="links")


class Blob(Base):
    """Know the size and digests of stored bytes, addressed by SHA-256."""

    __tablename__ = "blob"
    sha256: Mapped[str] = mapped_column(Key, primary_key=True)
    sha512: Mapped[str] = mapped_column(String(128))
    sha1: Mapped[str] = mapped_column(String(40))
    md5: Mapped[str] = mapped_column(String(32))
    size: Mapped[int] = mapped_column(Bytes)
    added: Mapped[datetime]


class FileManifest(Base):
    """Hold what a format read from a blob: a function of the bytes, so every feed shares one row."""

    __tablename__ = "manifest"
    __table_args__ = (UniqueConstraint("blob", "format"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    blob: Mapped[str] = mapped_column(ForeignKey("blob.sha256"))
    format: Mapped[str] = mapped_column(String(50))
    description: Mapped[str] = mapped_column(Text, default="")
    keywords: Mapped[str] = mapped_column(Text, default="")
    license: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]]
    facets: Mapped[str] = mapped_column(Text, default="", server_default="")


class Handle(Base):
    """Be a further name under which a feed finds a file, read from its bytes like the manifest."""

    __tablename__ = "handle"
    text: Mapped[str] = mapped_column(Key, primary_key=True)
    manifest_id: Mapped[int] = mapped_column(
        ForeignKey("manifest.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Package(Base):
    """Be a package in a feed; ``serial`` is the feed's serial of its last change."""

    __tablename__ = "package"
    __table_args__ = (
        UniqueConstraint("feed_id", "key"),
        Index(None, "feed_id", "confusable"),
        Index(None, "feed_id", "serial"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Key)
    confusable: Mapped[str] = mapped_column(Key)
    name: Mapped[str] = mapped_column(String(500))
    serial: Mapped[int] = mapped_column(default=0)


class Version(Base):
    """Be one release in a feed, with what the feed decided about it.

    ``digest`` names the content of all files. ``published`` is when the world first saw the version,
    ``added`` when it entered this feed. ``origin`` is published, promoted, pulled or cached; the last two name the
    connector that it came by. ``changed_upstream`` is the digest that its source declares now, if that is another one.
    """

    __tablename__ = "version"
    __table_args__ = (UniqueConstraint("package_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    package_id: Mapped[int] = mapped_column(ForeignKey("package.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Key)
    version: Mapped[str] = mapped_column(String(300))
    normalized: Mapped[str] = mapped_column(String(300))
    prerelease: Mapped[bool] = mapped_column(Boolean)
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Bytes)
    listed: Mapped[bool] = mapped_column(Boolean, default=True)
    deprecated: Mapped[str] = mapped_column(Text, default="")
    origin: Mapped[str] = mapped_column(String(20))
    published: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(200))
    added: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(200))
    downloads: Mapped[int] = mapped_column(default=0)
    connector: Mapped[str] = mapped_column(String(100), default="", server_default="")
    changed_upstream: Mapped[str] = mapped_column(String(200), default="", server_default="")


class Newest(Base):
    """Know the newest version that a package's connectors offer, and when that was last asked."""

    __tablename__ = "newest"
    package_id: Mapped[int] = mapped_column(ForeignKey("package.id", ondelete="CASCADE"), primary_key=True)
    connector: Mapped[str] = mapped_column(String(100))
    version: Mapped[str] = mapped_column(String(300), default="")
    key: Mapped[str] = mapped_column(Key, default="")
    published: Mapped[datetime | None]
    behind: Mapped[bool] = mapped_column(Boolean, default=False)
    checked: Mapped[datetime]


class File(Base):
    """Be one artifact of a version; the version is listed while any of its files is."""

    __tablename__ = "file"
    __table_args__ = (UniqueConstraint("version_id", "variant"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id", ondelete="CASCADE"))
    variant: Mapped[str] = mapped_column(Key)
    filename: Mapped[str] = mapped_column(String(700))
    blob: Mapped[str] = mapped_column(ForeignKey("blob.sha256"), index=True)
    manifest_id: Mapped[int] = mapped_column(ForeignKey("manifest.id"), index=True)
    listed: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())


class JournalLine(Base):
    """Be one line of the log that some formats keep of a feed's changes, in the order of ``id``."""

    __tablename__ = "journal_line"
    __table_args__ = (Index(None, "feed_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)


class Tag(Base):
    """Point a name at a version; ``explicit`` unless publishing set it by the way."""

    __tablename__ = "tag"
    package_id: Mapped[int] = mapped_column(ForeignKey("package.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Key, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id", ondelete="CASCADE"), index=True)
    explicit: Mapped[bool] = mapped_column(Boolean, default=True)


# History ----------------------------------------------------------------------------------------------


class Promotion(Base):
    """Be one request that copied versions between two feeds. Names are stored, so that renaming loses nothing."""

    __tablename__ = "promotion"
    __table_args__ = (UniqueConstraint("actor", "idempotency_key"), Index(None, "at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    format: Mapped[str] = mapped_column(String(50))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("feed.id", ondelete="SET NULL"), index=True)
    target_id: Mapped[int | None] = mapped_column(ForeignKey("feed.id", ondelete="SET NULL"), index=True)
    source_name: Mapped[str] = mapped_column(String(50))
    target_name: Mapped[str] = mapped_column(String(50))
    actor: Mapped[str] = mapped_column(String(200))
    comments: Mapped[str] = mapped_column(Text, default="")
    fingerprint: Mapped[str] = mapped_column(String(64))
    items_digest: Mapped[str] = mapped_column(String(64))
    item_count: Mapped[int]
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("promotion.id"))


class PromotionItem(Base):
    """Be one version of a promotion: what it was called, what its content was, what came of it."""

    __tablename__ = "promotion_item"
    __table_args__ = (Index(None, "name_key", "version_key"),)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotion.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name_key: Mapped[str] = mapped_column(Key)
    version_key: Mapped[str] = mapped_column(Key)
    name: Mapped[str] = mapped_column(String(500))
    version: Mapped[str] = mapped_column(String(300))
    digest: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(20))


class Event(Base):
    """Be one entry of the append-only log; ``hash`` covers it and everything before it."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "feed", "id"), Index(None, "tag", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(200))
    tag: Mapped[str] = mapped_column(String(60))
    feed: Mapped[str | None] = mapped_column(String(50))
    subject: Mapped[str | None] = mapped_column(String(800))
    data: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class EventHead(Base):
    """Hold the end of the event chain in its only row, the lock behind which events are appended."""

    __tablename__ = "event_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    last_id: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64))


# The API's repeats ------------------------------------------------------------------------------------


class Repeat(Base):
    """Be the answer to one create under an Idempotency-Key, given again to whoever repeats it within a day.

    The key and the body are kept as digests only: a body may hold a password.
    """

    __tablename__ = "repeat"
    __table_args__ = (Index(None, "at"),)
    actor: Mapped[str] = mapped_column(Key, primary_key=True)
    key_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    status: Mapped[int] = mapped_column(default=0)
    location: Mapped[str] = mapped_column(String(1000), default="")
    body: Mapped[str] = mapped_column(Text, default="")


# Jobs -------------------------------------------------------------------------------------------------


class Job(Base):
    """Be a piece of background work; this row is the truth of it, a queue only carries its number.

    ``user_id`` and ``key_id`` tell in whose name it runs, with the rights that they have then; where it is ``owned``,
    it runs for the owner of the data directory. ``worker`` is who works on it, ``seen`` when that last gave a sign of
    life; ``cancel`` asks it to stop.
    """

    __tablename__ = "job"
    __table_args__ = (Index(None, "state", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    title: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    feed_id: Mapped[int | None] = mapped_column(ForeignKey("feed.id", ondelete="SET NULL"), index=True)
    feed_name: Mapped[str] = mapped_column(String(50), default="")
    actor: Mapped[str] = mapped_column(String(200))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_key.id", ondelete="SET NULL"), index=True)
    owned: Mapped[bool] = mapped_column(Boolean, default=False)
    data: Mapped[dict[str, Any]]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    bytes_done: Mapped[int] = mapped_column(Bytes, default=0)
    bytes_total: Mapped[int] = mapped_column(Bytes, default=0)
    result: Mapped[str] = mapped_column(Text, default="")
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    ended: Mapped[datetime | None]
    seen: Mapped[datetime | None]
    worker: Mapped[str] = mapped_column(String(100), default="")
    cancel: Mapped[bool] = mapped_column(Boolean, default=False)
    attempt: Mapped[int] = mapped_column(default=0)


class JobItem(Base):
    """Be one part of a job, which is done, skipped or failed by itself."""

    __tablename__ = "job_item"
    __table_args__ = (Index(None, "job_id", "state"),)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(1000))
    version: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    size: Mapped[int] = mapped_column(Bytes, default=0)
    message: Mapped[str] = mapped_column(Text, default="")


class JobLine(Base):
    """Be one line of a job's log."""

    __tablename__ = "job_line"
    __table_args__ = (Index(None, "job_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)
