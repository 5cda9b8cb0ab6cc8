"""API keys: made once, shown once, kept as a SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import joinedload, selectinload

from app.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.domain.names import check_person_name
from app.domain.permissions import FEED_PERMISSIONS, KEY_RIGHTS, KeyRight, Permission
from app.services import access, events, people
from app.services.runtime import Actor, Work
from app.storage.models import ApiKey, FeedGroup, KeyUse

PREFIX = "prm_"
MIN_SECRET, MAX_SECRET = 24, 200
SYSTEM_APIS = ("feeds", "sca", "sbom-upload")
FOREVER = datetime.max.replace(tzinfo=UTC)
_SHOWN = len(PREFIX) + 6
_KEPT_USES = 1000
_KEY_BY_HASH = select(ApiKey).where(ApiKey.secret_hash == bindparam("hashed"))  # Asked in every request.


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """Say what a new key may do; ``secret`` is its text where somebody wants a certain one.

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
    secret: str = ""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """Hold what is to be changed of a key; None keeps what is there, ``FOREVER`` takes the expiry away."""

    name: str | None = None
    description: str | None = None
    enabled: bool | None = None
    rights: Sequence[str] | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """Be one request made with a key; ``path`` is without its query."""

    key_id: int
    at: datetime
    method: str
    path: str
    status: int
    address: str


def create_key(work: Work, request: KeyRequest) -> tuple[ApiKey, str]:
    """Create a key; give its row and its secret, which nobody can read again.

    A personal key needs to be made by its user or with Configure; a feed key needs Manage Feed on each feed;
    a system key needs Configure.
    """
    makers = {"system": _system, "feed": _feed, "personal": _personal}
    if request.kind not in makers:
        raise Invalid(f"There are no {request.kind!r} keys; use system, feed or personal.", code="unknown-key-type")
    secret = _check_secret(work, request.secret) if request.secret else PREFIX + secrets.token_urlsafe(32)
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
    events.record(work, "key-created", subject=key.name, prefix=key.prefix, **_describe(key))
    return key, secret


def _check_secret(work: Work, secret: str) -> str:
    """Take a typed key only where nobody could guess it: it is kept by a fast hash."""
    if not MIN_SECRET <= len(secret) <= MAX_SECRET or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise Invalid(
            f"The text of a key has {MIN_SECRET} to {MAX_SECRET} printable ASCII characters without spaces; "
            "leave it out, and one is made.",
            code="weak-key",
        )
    if ":" in secret or len(set(secret)) < MIN_SECRET // 3:
        raise Invalid("The text of a key holds no ':' and is not a repetition; leave it out, and one is made.")
    if work.session.scalar(select(ApiKey.id).where(ApiKey.secret_hash == hash_secret(secret))) is not None:
        raise Conflict("That text of a key cannot be used; leave it out, and one is made.", code="key-exists")
    return secret


def _describe(key: ApiKey) -> dict[str, Any]:
    return {
        "kind": key.kind,
        "name": key.name,
        "description": key.description,
        "rights": list(key.rights),
        "feeds": sorted(feed.name for feed in key.feeds),
        "feedGroup": key.feed_group.name if key.feed_group else None,
        "user": key.user.name if key.user else None,
        "enabled": key.enabled,
        "expires": None if key.expires is None else key.expires.isoformat(),
    }


def _system(work: Work, key: ApiKey, request: KeyRequest) -> None:
    access.require(work, Permission.CONFIGURE)
    key.rights = _system_api(request.rights or SYSTEM_APIS)


def _system_api(rights: Sequence[str]) -> list[str]:
    unknown = set(rights) - set(SYSTEM_APIS)
    if unknown or not rights:
        raise Invalid(f"A system key has some of the rights {', '.join(SYSTEM_APIS)}, not {sorted(unknown)}.")
    return sorted(set(rights))


def _feed(work: Work, key: ApiKey, request: KeyRequest) -> None:
    if bool(request.feeds) == bool(request.feed_group):
        raise Invalid("A feed key names its feeds, or one feed group.", code="key-scope")
    key.rights = _feed_rights(request.rights)
    key.feeds = [access.get_feed(work, name, Permission.MANAGE_FEED) for name in request.feeds]
    if request.feed_group:
        access.require(work, Permission.CONFIGURE)
        key.feed_group = work.session.scalars(
            select(FeedGroup).where(FeedGroup.key == request.feed_group.casefold())
        ).one_or_none()
        if key.feed_group is None:
            raise NotFound(f"There is no feed group {request.feed_group!r}.", code="unknown-feed-group")


def _feed_rights(rights: Sequence[str]) -> list[str]:
    unknown = set(rights) - set(KeyRight)
    if unknown or not rights:
        raise Invalid(f"A feed key has some of the rights {', '.join(KeyRight)}, not {sorted(unknown)}.")
    return sorted(set(rights))


def _personal(work: Work, key: ApiKey, request: KeyRequest) -> None:
    user = people.get_user(work, request.user)
    if work.actor.user_id != user.id or work.actor.key_id is not None:
        access.require(work, Permission.CONFIGURE)
    key.user = user


def hash_secret(secret: str) -> str:
    """Give the SHA-256 (hex) under which a secret is stored; it is random, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_key(work: Work, secret: str) -> ApiKey | None:
    """Give the key with a secret, usable or not, or None."""
    return work.session.scalars(_KEY_BY_HASH, {"hashed": hash_secret(secret)}).one_or_none()


def is_usable(work: Work, key: ApiKey) -> bool:
    """Tell whether a key works: enabled, not expired, and not of a disabled user."""
    if not key.enabled or (key.expires is not None and key.expires <= work.now()):
        return False
    return key.kind != "personal" or (key.user is not None and key.user.active)


def actor_of(key: ApiKey) -> Actor:
    """Give who a key acts as."""
    if key.user is not None:
        return Actor(key.user.name, user_id=key.user.id, key_id=key.id)
    name = f"API: {key.name}"
    if key.kind == "system":
        return Actor(name, key_id=key.id, rights=_system_rights(key))
    rights = frozenset().union(*(KEY_RIGHTS[KeyRight(right)] for right in key.rights))
    feeds = frozenset(feed.id for feed in key.feeds)
    return Actor(name, key_id=key.id, rights=rights, feed_ids=feeds, feed_group_id=key.feed_group_id)


def _system_rights(key: ApiKey) -> frozenset[Permission]:
    if len(key.rights) == 3:
        return frozenset(Permission)
    return FEED_PERMISSIONS if "feeds" in key.rights else frozenset()


def list_keys(work: Work) -> Sequence[ApiKey]:
    """Give every key with Configure; else one's own and the feed keys of feeds one manages. Never a secret."""
    if work.actor.anonymous:
        raise Unauthenticated("Listing API keys needs credentials; sign in, or send an API key.")
    query = select(ApiKey).options(selectinload(ApiKey.feeds), joinedload(ApiKey.user), joinedload(ApiKey.feed_group))
    found = work.session.scalars(query.order_by(ApiKey.id)).all()
    if access.allowed(work, Permission.CONFIGURE):
        return found
    return [key for key in found if _may_manage(work, key)]


def _may_manage(work: Work, key: ApiKey | None) -> bool:
    """Tell whether somebody without Configure may change a key: their own, or one of feeds that they all manage."""
    if key is None:
        return False
    if key.kind == "personal":
        return key.user_id == work.actor.user_id is not None
    if key.kind != "feed" or not key.feeds:
        return False
    return all(access.allowed(work, Permission.MANAGE_FEED, feed) for feed in key.feeds)


def get_key(work: Work, key_id: int) -> ApiKey:
    """Give a key that one may manage; needs Configure for others. Raises NotFound."""
    key = work.session.get(ApiKey, key_id)
    if not _may_manage(work, key):
        access.require(work, Permission.CONFIGURE)
    if key is None:
        raise NotFound(f"There is no API key {key_id}; list the keys for their numbers.", code="unknown-key")
    return key


def update_key(work: Work, key_id: int, change: KeyChange) -> ApiKey:
    """Change a key; its secret, its type and its feeds stay. Needs what deleting it needs."""
    key = get_key(work, key_id)
    before = _describe(key)
    if change.name is not None:
        key.name = check_person_name(change.name)
    if change.description is not None:
        key.description = change.description
    if change.enabled is not None:
        key.enabled = change.enabled
    if change.expires is not None:
        key.expires = None if change.expires == FOREVER else change.expires
    if change.rights is not None:
        key.rights = _changed_rights(key, change.rights)
    work.session.flush()
    after = _describe(key)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if changed:
        events.record(work, "key-changed", subject=key.name, prefix=key.prefix, changed=changed)
    return key


def _changed_rights(key: ApiKey, rights: Sequence[str]) -> list[str]:
    if key.kind == "personal":
        raise Invalid("A personal key has the rights of its user; change theirs.", code="key-rights")
    return _system_api(rights) if key.kind == "system" else _feed_rights(rights)


def delete_key(work: Work, key_id: int) -> None:
    """Delete a key at once; needs Configure, or to be its user, or to manage its feeds. Raises NotFound."""
    key = get_key(work, key_id)
    events.record(work, "key-deleted", subject=key.name, prefix=key.prefix, **_describe(key))
    work.session.delete(key)


# The access log ---------------------------------------------------------------------------------------


def record_uses(work: Work, uses: Sequence[Use]) -> None:
    """Add to the keys' access logs, keeping each key's last thousand; keys deleted meanwhile are passed over."""
    known = set(work.session.scalars(select(ApiKey.id).where(ApiKey.id.in_({use.key_id for use in uses}))))
    rows = [
        {
            "api_key_id": use.key_id,
            "at": use.at,
            "method": use.method[:10],
            "path": use.path[:1000],
            "status": use.status,
            "address": use.address[:100],
        }
        for use in uses
        if use.key_id in known
    ]
    if rows:
        work.session.execute(insert(KeyUse), rows)
    for key_id in known:
        last = max(use.at for use in uses if use.key_id == key_id)
        work.session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used=last))
        oldest = select(KeyUse.id).where(KeyUse.api_key_id == key_id).order_by(KeyUse.id.desc()).offset(_KEPT_USES)
        bound = work.session.scalar(oldest.limit(1))
        if bound is not None:
            work.session.execute(delete(KeyUse).where(KeyUse.api_key_id == key_id, KeyUse.id <= bound))


def access_log(work: Work, key_id: int, *, offset: int = 0, limit: int = 50) -> tuple[Sequence[KeyUse], int]:
    """Give a part of a key's uses, the newest first, and how many are kept; needs what deleting the key needs."""
    key = get_key(work, key_id)
    total = work.session.scalar(select(func.count(KeyUse.id)).where(KeyUse.api_key_id == key.id)) or 0
    query = select(KeyUse).where(KeyUse.api_key_id == key.id).order_by(KeyUse.id.desc()).offset(offset).limit(limit)
    return work.session.scalars(query).all(), total
