"""Sessions of people: fixed and idle life, listed and ended, ended by everything that must end them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.domain.errors import Forbidden, NotFound, Unauthenticated
from app.services import people, sessions
from app.services.runtime import ANONYMOUS, Actor, Runtime
from app.storage.models import UserSession
from tests.fixtures import at

PASSWORD = "an orchard of plums"


@pytest.fixture
def ann(runtime: Runtime, sam: Actor) -> Actor:
    with runtime.writing(sam) as work:
        return Actor("ann", user_id=people.create_user(work, "ann", PASSWORD).id, address="192.0.2.7")


def begin(runtime: Runtime, actor: Actor) -> str:
    with runtime.writing(actor) as work:
        return sessions.begin(work, actor.name, address=actor.address, agent="A browser")


def is_known(runtime: Runtime, secret: str) -> bool:
    with runtime.reading(ANONYMOUS) as work:
        return sessions.find(work, secret) is not None


def test_a_session_is_found_by_its_secret_only(runtime: Runtime, ann: Actor) -> None:
    secret = begin(runtime, ann)
    assert is_known(runtime, secret)
    assert not is_known(runtime, secret[:-1])
    with runtime.reading(ann) as work:
        row = work.session.query(UserSession).one()
        assert secret not in (row.secret_hash, row.agent)
        assert (row.address, row.agent) == ("192.0.2.7", "A browser")


@pytest.mark.parametrize(("idle", "used_every", "alive"), [(71, None, True), (73, None, False), (24 * 15, 24, False)])
def test_a_session_has_an_idle_and_a_fixed_life(
    runtime: Runtime, ann: Actor, idle: int, used_every: int | None, alive: bool
) -> None:
    secret, began = begin(runtime, ann), runtime.clock()
    for hours in range(used_every or idle, idle, used_every or idle):
        with at(runtime, began + timedelta(hours=hours)).writing(ann) as work:
            row = sessions.find(work, secret)
            if row is not None:
                sessions.touch(work, row.id)
    assert is_known(at(runtime, began + timedelta(hours=idle)), secret) is alive


ENDS: list[Callable[..., object]] = [
    lambda work: people.set_password(work, "ann", "a field of barley"),
    lambda work: people.set_active(work, "ann", active=False),
    lambda work: people.delete_user(work, "ann"),
    lambda work: sessions.end_all(work, "ann"),
]


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_every_session_of_a_user(
    runtime: Runtime, sam: Actor, ann: Actor, end: Callable[..., object]
) -> None:
    secrets = [begin(runtime, ann), begin(runtime, ann)]
    with runtime.writing(sam) as work:
        end(work)
    assert not any(is_known(runtime, secret) for secret in secrets)


def test_people_list_and_end_their_own_sessions_only(runtime: Runtime, sam: Actor, ann: Actor) -> None:
    with runtime.writing(sam) as work:
        ben = Actor("ben", user_id=people.create_user(work, "ben").id)
    first, second = begin(runtime, ann), begin(runtime, ann)
    with runtime.reading(ann) as work:
        listed = sessions.list_sessions(work)
        kept = sessions.find(work, second)
    assert len(listed) == 2
    assert kept is not None
    with runtime.reading(ben) as work:
        assert sessions.list_sessions(work) == []
        for forbidden in (lambda: sessions.list_sessions(work, "ann"), lambda: sessions.list_sessions(work, "none")):
            with pytest.raises(Forbidden):
                forbidden()
    with pytest.raises(Forbidden), runtime.writing(ben) as work:
        sessions.end(work, kept.id)
    with runtime.writing(ann) as work:
        assert sessions.end_all(work, but=kept.id) == 1
    assert [is_known(runtime, secret) for secret in (first, second)] == [False, True]
    with pytest.raises(NotFound), runtime.writing(sam) as work:
        sessions.end(work, 999)
    with pytest.raises(Unauthenticated), runtime.reading(ANONYMOUS) as work:
        sessions.list_sessions(work)


def test_a_key_does_not_end_sessions_of_others(runtime: Runtime, ann: Actor) -> None:
    begin(runtime, ann)
    key = Actor("API: ci", key_id=7, rights=frozenset())
    with pytest.raises(Forbidden), runtime.writing(key) as work:
        sessions.end_all(work, "ann")


def test_sessions_that_are_over_go_with_the_next(runtime: Runtime, ann: Actor) -> None:
    begin(runtime, ann)
    later = at(runtime, runtime.clock() + timedelta(hours=100))
    begin(later, ann)
    with later.reading(ann) as work:
        assert work.session.query(UserSession).count() == 1
