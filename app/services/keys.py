"""API keys: made once, shown once, kept as a SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, update

from app.domain.errors import Invalid, NotFound, Unauthenticated
from app.domain.names import check_person_name
from app.domain.permissions import FEED_PERMISSIONS, KEY_RIGHTS, KeyRight, Permission
from app.services import access, events, people
from app.services.runtime import Actor, Work
from app.storage.models import ApiKey, FeedGroup

PREFIX = "prm_"
_SHOWN = len(PREFIX) + 6
_TOUCH_EVERY = timedelta(minutes=1)
_KEY_BY_HASH = select(ApiKey).where(ApiKey.secret_hash == bindparam("hashed"))  # Asked in every request.


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """Say what a new key may do.

    A system key may do everything (or only feeds), a feed key has its rights on its feeds or feed group, a
    personal key may what its user may.
    """

    kind: str
    name: str
    description: str = ""
    user: str = ""
    feeds: Sequence[str] = ()
    feed_group: str = ""
    rights: Sequence[str] = ()
    expires: datetime | None = None


def create_key(work: Work, request: KeyRequest) -> tuple[ApiKey, str]:
    """Create a key; give its row and its secret, which nobody can read again.

    A personal key needs to be made by its user or with Configure; a feed key needs Manage Feed on each feed;
    a system key needs Configure.
    """
    makers = {"system": _system, "feed": _feed, "personal": _personal}
    if request.kind not in makers:
        raise Invalid(f"There are no {request.kind!r} keys; use system, feed or personal.", code="unknown-key-type")
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        kind=request.kind,
        name=check_person_name(request.name),
        description=request.description,
        prefix=secret[:_SHOWN],
        secret_hash=hash_secret(secret),
        rights=[],
        enabled=True,
        expires=request.expires,
        created=work.now(),
    )
    makers[request.kind](work, key, request)
    work.session.add(key)
    work.session.flush()
    events.record(work, "key-created", subject=key.name, kind=key.kind, prefix=key.prefix, rights=key.rights)
    return key, secret


def _system(work: Work, key: ApiKey, request: KeyRequest) -> None:
    access.require(work, Permission.CONFIGURE)
    unknown = set(request.rights) - {"feeds", "sca", "sbom-upload"}
    if unknown:
        raise Invalid(f"A system key has no right {sorted(unknown)}; use feeds, sca, sbom-upload.")
    key.rights = sorted(request.rights) or ["feeds", "sbom-upload", "sca"]


def _feed(work: Work, key: ApiKey, request: KeyRequest) -> None:
    if bool(request.feeds) == bool(request.feed_group):
        raise Invalid("A feed key names its feeds, or one feed group.", code="key-scope")
    unknown = set(request.rights) - set(KeyRight)
    if unknown or not request.rights:
        raise Invalid(f"A feed key has some of the rights {', '.join(KeyRight)}, not {sorted(unknown)}.")
    key.rights = sorted(set(request.rights))
    key.feeds = [access.get_feed(work, name, Permission.MANAGE_FEED) for name in request.feeds]
    if request.feed_group:
        access.require(work, Permission.CONFIGURE)
        key.feed_group = work.session.scalars(
            select(FeedGroup).where(FeedGroup.key == request.feed_group.casefold())
        ).one_or_none()
        if key.feed_group is None:
            raise NotFound(f"There is no feed group {request.feed_group!r}.", code="unknown-feed-group")


def _personal(work: Work, key: ApiKey, request: KeyRequest) -> None:
    user = people.get_user(work, request.user)
    if work.actor.user_id != user.id or work.actor.key_id is not None:
        access.require(work, Permission.CONFIGURE)
    key.user = user


def hash_secret(secret: str) -> str:
    """Give the SHA-256 (hex) under which a secret is stored; it is random, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_actor(work: Work, secret: str) -> tuple[Actor, ApiKey] | None:
    """Give who a key acts as, or None for an unknown, disabled or expired key, or one of a disabled user."""
    key = work.session.scalars(_KEY_BY_HASH, {"hashed": hash_secret(secret)}).one_or_none()
    if key is None or not key.enabled or (key.expires is not None and key.expires <= work.now()):
        return None
    if key.kind == "personal":
        if key.user is None or not key.user.active:
            return None
        return Actor(key.user.name, user_id=key.user.id, key_id=key.id), key
    name = f"API: {key.name}"
    if key.kind == "system":
        return Actor(name, key_id=key.id, rights=_system_rights(key)), key
    rights = frozenset().union(*(KEY_RIGHTS[KeyRight(right)] for right in key.rights))
    feeds = frozenset(feed.id for feed in key.feeds)
    return Actor(name, key_id=key.id, rights=rights, feed_ids=feeds, feed_group_id=key.feed_group_id), key


def _system_rights(key: ApiKey) -> frozenset[Permission]:
    if len(key.rights) == 3:
        return frozenset(Permission)
    return FEED_PERMISSIONS if "feeds" in key.rights else frozenset()


def touch(work: Work, key_id: int) -> None:
    """Remember that a key was used, at most once a minute."""
    now = work.now()
    stale = or_(ApiKey.last_used.is_(None), ApiKey.last_used < now - _TOUCH_EVERY)
    work.session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, stale)
        .values(last_used=now)
        .execution_options(synchronize_session=False)
    )


def list_keys(work: Work) -> Sequence[ApiKey]:
    """Give every key, or one's own without Configure; never a secret."""
    if work.actor.anonymous:
        raise Unauthenticated("Listing API keys needs credentials; sign in, or send an API key.")
    query = select(ApiKey).order_by(ApiKey.id)
    if not access.allowed(work, Permission.CONFIGURE):
        query = query.where(ApiKey.user_id == work.actor.user_id, ApiKey.kind == "personal")
    return work.session.scalars(query).all()


def delete_key(work: Work, key_id: int) -> None:
    """Delete a key at once; needs Configure, or to be its user. Raises NotFound."""
    key = work.session.get(ApiKey, key_id)
    mine = key is not None and key.kind == "personal" and key.user_id == work.actor.user_id is not None
    if not mine:
        access.require(work, Permission.CONFIGURE)
    if key is None:
        raise NotFound(f"There is no API key {key_id}; list the keys for their numbers.", code="unknown-key")
    events.record(work, "key-deleted", subject=key.name, kind=key.kind, prefix=key.prefix)
    work.session.delete(key)
