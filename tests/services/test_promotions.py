"""Promotion end to end below the web, on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.domain.errors import AppError, Conflict, Forbidden, Invalid, Refused, Unauthenticated
from app.domain.promotion import Accepts, Objection, Outcome, Plan, PromoteTo
from app.plugin.hooks import hookimpl
from app.services import access, copying, events, feeds, grants, history, packages, people, promotions, publishing
from app.services.history import HistoryFilter
from app.services.promotions import PlanStale, PromotionRequest, Wanted
from app.services.runtime import ANONYMOUS, Actor, Runtime
from app.storage.models import Event, Package, Promotion, PromotionItem, Version
from tests.fixtures import make_feeds, make_key, publish_sample


@pytest.fixture
def stages(runtime: Runtime) -> Runtime:
    make_feeds(runtime, "npm", "dev", "test", "prod")
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        publish_sample(runtime, "dev", "@acme/ui", version)
    publish_sample(runtime, "dev", "left", "1.0.0")
    return runtime


def ask(*items: tuple[str, str], source: str = "dev", target: str = "prod", **more: Any) -> PromotionRequest:
    return PromotionRequest(source, target, tuple(Wanted(*item) for item in items), **more)


def versions_in(runtime: Runtime, actor: Actor, feed: str, name: str) -> list[str]:
    with runtime.reading(actor) as work:
        package = packages.find_package(work, access.get_feed(work, feed), name)
        return [version.version for version in package.versions] if package else []


def count(runtime: Runtime, model: Any) -> int:
    with runtime.reading(ANONYMOUS) as work:
        return work.session.scalar(select(func.count()).select_from(model)) or 0


def user(runtime: Runtime, sam: Actor, name: str, *tasks: tuple[str, str]) -> Actor:
    with runtime.writing(sam) as work:
        made = people.create_user(work, name, "a long password")
        for task, feed in tasks:
            grants.grant(work, grants.GrantRequest(task, user=name, feed=feed))
        return Actor(made.name, user_id=made.id)


def test_a_promotion_copies_the_version_whole_and_records_it(stages: Runtime, sam: Actor) -> None:
    done = promotions.promote(stages, sam, ask(("@acme/ui", "1.0.0"), comments="tried for a week"))
    assert done.promotion is not None
    with stages.reading(sam) as work:
        source = packages.get_version(work, access.get_feed(work, "dev"), "@acme/ui", "1.0.0")
        copy = packages.get_version(work, access.get_feed(work, "prod"), "@acme/ui", "1.0.0")
        assert copy.files == source.files
        assert (copy.published, copy.published_by) == (source.published, source.published_by)
        assert (copy.origin, copy.downloads) == ("promoted", 0)
        assert copy.added > source.added
        lines, total = history.versions(work, HistoryFilter(feed="prod"))
        assert total == 1
        assert (lines[0].promotion.comments, lines[0].promotion.actor) == ("tried for a week", "sam")
        assert events.verify(work) is None
    assert versions_in(stages, sam, "prod", "@acme/ui") == ["1.0.0"]
    assert len(versions_in(stages, sam, "dev", "@acme/ui")) == 3


def test_the_listed_state_and_the_deprecation_travel(stages: Runtime, sam: Actor) -> None:
    with stages.writing(sam) as work:
        publishing.set_deprecated(work, "dev", "@acme/ui", {"1.0.0": "use 1.1.0"})
        publishing.set_listed(work, "dev", "@acme/ui", "1.0.0", listed=False)
    promotions.promote(stages, sam, ask(("@acme/ui", "1.0.0")))
    with stages.reading(sam) as work:
        copy = packages.get_version(work, access.get_feed(work, "prod"), "@acme/ui", "1.0.0")
    assert (copy.deprecated, copy.listed) == ("use 1.1.0", False)


def test_promoting_again_changes_nothing_and_writes_no_history(stages: Runtime, sam: Actor) -> None:
    promotions.promote(stages, sam, ask(("@acme/ui", "1.0.0")))
    before = count(stages, Event), count(stages, Promotion)
    again = promotions.promote(stages, sam, ask(("@acme/ui", "1.0.0")))
    assert again.promotion is None
    assert again.plan is not None
    assert again.plan.items[0].outcome is Outcome.UNCHANGED
    assert (count(stages, Event), count(stages, Promotion)) == before


@pytest.mark.parametrize(("alias", "version"), [("latest", "1.1.0"), ("latest-stable", "1.1.0")])
def test_latest_is_the_newest_stable_version(stages: Runtime, sam: Actor, alias: str, version: str) -> None:
    promotions.promote(stages, sam, ask(("@acme/ui", alias)))
    assert versions_in(stages, sam, "prod", "@acme/ui") == [version]


def test_latest_follows_a_tag_that_somebody_set(stages: Runtime, sam: Actor) -> None:
    with stages.writing(sam) as work:
        publishing.set_tag(work, "dev", "@acme/ui", "latest", "1.0.0")
    promotions.promote(stages, sam, ask(("@acme/ui", "latest")))
    assert versions_in(stages, sam, "prod", "@acme/ui") == ["1.0.0"]


def test_a_set_is_promoted_whole_or_not_at_all(stages: Runtime, sam: Actor) -> None:
    with pytest.raises(Refused, match=r"nowhere 1\.0\.0 is not in dev"):
        promotions.promote(stages, sam, ask(("@acme/ui", "1.0.0"), ("nowhere", "1.0.0")))
    assert versions_in(stages, sam, "prod", "@acme/ui") == []
    assert (count(stages, Promotion), count(stages, PromotionItem)) == (0, 0)


def test_other_bytes_under_the_version_are_a_conflict_for_everybody(stages: Runtime, sam: Actor) -> None:
    with stages.reading(sam) as work:
        kit = work.get_format("npm").kit()
    remade = kit.remake(kit.make("left", "1.0.0")) if hasattr(kit, "remake") else kit.make("left", "1.0.0")
    publishing.publish(stages, sam, "prod", [remade.content], remade.filename)
    with pytest.raises(Conflict, match=r"left 1\.0\.0"):
        promotions.promote(stages, sam, ask(("left", "1.0.0")))
    with stages.reading(sam) as work:
        held = packages.get_version(work, access.get_feed(work, "prod"), "left", "1.0.0")
    assert held.origin == "published"


def test_a_version_in_another_feed_is_named_with_that_feed(stages: Runtime, sam: Actor) -> None:
    publish_sample(stages, "test", "only-here", "1.0.0")
    with pytest.raises(Refused, match="but it is in test; promote it from there"):
        promotions.promote(stages, sam, ask(("only-here", "1.0.0")))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (feeds.FeedChange(promote_to=PromoteTo.DISABLED), "promotion-disabled"),
        (feeds.FeedChange(targets=["test"]), "target-not-allowed"),
    ],
)
def test_a_feeds_promote_to_setting_is_obeyed(stages: Runtime, sam: Actor, change: feeds.FeedChange, code: str) -> None:
    with stages.writing(sam) as work:
        feeds.update_feed(work, "dev", change)
    with pytest.raises(Refused) as refused:
        promotions.promote(stages, sam, ask(("left", "1.0.0")))
    assert refused.value.code == code


def test_feeds_of_two_formats_are_refused(stages: Runtime, sam: Actor) -> None:
    make_feeds(stages, "universal", "tools")
    with pytest.raises(Refused, match="choose a target feed of the format npm"):
        promotions.promote(stages, sam, ask(("left", "1.0.0"), target="tools"))


def test_a_feed_that_asks_for_comments_gets_them(stages: Runtime, sam: Actor) -> None:
    with stages.writing(sam) as work:
        feeds.update_feed(work, "prod", feeds.FeedChange(comments_required=True))
    with pytest.raises(Invalid, match="asks for comments"):
        promotions.promote(stages, sam, ask(("left", "1.0.0"), comments="  "))
    assert promotions.promote(stages, sam, ask(("left", "1.0.0"), comments="why not")).promotion


NEEDS = [
    ((), Forbidden),
    ((("View & Download Packages", "dev"),), Forbidden),
    ((("Promote Packages", "prod"),), Forbidden),
    ((("View & Download Packages", "dev"), ("View & Download Packages", "prod")), Forbidden),
    ((("View & Download Packages", "dev"), ("Publish Packages", "prod")), Forbidden),
    ((("View & Download Packages", "dev"), ("Promote Packages", "prod")), None),
]


@pytest.mark.parametrize(("tasks", "error"), NEEDS)
def test_promoting_needs_view_and_download_there_and_accept_here(
    stages: Runtime, sam: Actor, tasks: tuple[tuple[str, str], ...], error: type[AppError] | None
) -> None:
    ann = user(stages, sam, "ann", *tasks)
    if error is None:
        assert promotions.promote(stages, ann, ask(("left", "1.0.0"))).promotion
        return
    with pytest.raises(error):
        promotions.promote(stages, ann, ask(("left", "1.0.0")))
    assert count(stages, Promotion) == 0


def test_nobody_known_is_asked_for_credentials(stages: Runtime) -> None:
    with pytest.raises(Unauthenticated):
        promotions.promote(stages, ANONYMOUS, ask(("left", "1.0.0")))


def test_a_restriction_on_the_target_is_obeyed(stages: Runtime, sam: Actor) -> None:
    ann = user(stages, sam, "ann", ("View & Download Packages", "dev"), ("Promote Packages", "prod"))
    with stages.writing(sam) as work:
        grants.grant(work, grants.GrantRequest("Promote Packages", user="ann", feed="prod", deny=True))
    with pytest.raises((Forbidden,)):
        promotions.promote(stages, ann, ask(("left", "1.0.0")))


@pytest.mark.parametrize(
    ("feeds_of_key", "rights", "allowed"),
    [
        (["dev", "prod"], ["view", "promote"], True),
        (["dev", "prod"], ["view"], False),
        (["dev", "prod"], ["promote"], False),
        (["dev"], ["view", "promote"], False),
        (["prod"], ["view", "promote"], False),
        (["dev", "test"], ["view", "promote"], False),
    ],
)
def test_a_feed_key_promotes_within_its_scope_only(
    stages: Runtime, sam: Actor, feeds_of_key: list[str], rights: list[str], allowed: bool
) -> None:
    from app.services import keys

    secret = make_key(stages, "feed", "ci", feeds=feeds_of_key, rights=rights)
    with stages.reading(ANONYMOUS) as work:
        found = keys.find_key(work, secret)
        assert found is not None
        key = keys.actor_of(found)
    if not allowed:
        with pytest.raises(Forbidden):
            promotions.promote(stages, key, ask(("left", "1.0.0")))
        return
    done = promotions.promote(stages, key, ask(("left", "1.0.0")))
    assert done.promotion is not None
    assert done.promotion.actor == "API: ci"


def test_a_plan_writes_nothing_and_shows_what_stands_against_it(stages: Runtime, sam: Actor) -> None:
    ann = user(stages, sam, "ann", ("View & Download Packages", "dev"), ("View & Download Packages", "prod"))
    before = count(stages, Event)
    with stages.reading(ann) as work:
        drawn = promotions.plan(work, ask(("left", "1.0.0"), ("left", "9.9.9")))
    assert [item.outcome for item in drawn.items] == [Outcome.ADD, Outcome.MISSING]
    assert [objection.code for objection in drawn.objections] == ["right"]
    assert count(stages, Event) == before


def test_a_plan_that_is_still_true_applies_and_an_old_one_comes_back_fresh(stages: Runtime, sam: Actor) -> None:
    with stages.reading(sam) as work:
        drawn = promotions.plan(work, ask(("left", "1.0.0")))
    publish_sample(stages, "prod", "something", "1.0.0")
    with pytest.raises(PlanStale) as stale:
        promotions.promote(stages, sam, ask(("left", "1.0.0"), fingerprint=drawn.fingerprint))
    fresh = stale.value.plan
    assert fresh.fingerprint != drawn.fingerprint
    assert promotions.promote(stages, sam, ask(("left", "1.0.0"), fingerprint=fresh.fingerprint)).promotion


def test_the_same_idempotency_key_is_answered_once(stages: Runtime, sam: Actor) -> None:
    first = promotions.promote(stages, sam, ask(("left", "1.0.0"), idempotency_key="k"))
    again = promotions.promote(stages, sam, ask(("left", "1.0.0"), idempotency_key="k"))
    assert again.repeated
    assert again.promotion is not None
    assert first.promotion is not None
    assert again.promotion.id == first.promotion.id
    assert count(stages, Promotion) == 1
    with pytest.raises(Conflict, match="send a new key"):
        promotions.promote(stages, sam, ask(("left", "1.0.0"), target="test", idempotency_key="k"))


class Gate:
    """Object to everything, once it is told to."""

    def __init__(self, answer: Iterable[Objection] | Exception) -> None:
        self.answer = answer
        self.calls = 0

    @hookimpl
    def review_promotion(self, plan: Plan) -> Iterable[Objection]:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_gate_is_asked_when_the_plan_is_shown_and_again_when_it_is_applied(stages: Runtime, sam: Actor) -> None:
    gate = Gate([Objection("Too young; wait until Friday.", "age", "left", "1.0.0")])
    stages.plugins.hooks.register(gate)
    with stages.reading(sam) as work:
        assert promotions.plan(work, ask(("left", "1.0.0"))).items[0].outcome is Outcome.REFUSED
    with pytest.raises(Refused, match="wait until Friday"):
        promotions.promote(stages, sam, ask(("left", "1.0.0")))
    assert gate.calls == 2


def test_an_error_inside_a_gate_refuses_the_promotion(stages: Runtime, sam: Actor) -> None:
    stages.plugins.hooks.register(Gate(RuntimeError("out of order")))
    with pytest.raises(Refused, match="failed"):
        promotions.promote(stages, sam, ask(("left", "1.0.0")))
    assert count(stages, Promotion) == 0


def test_a_promotions_only_feed_takes_promotions_and_nothing_else(stages: Runtime, sam: Actor) -> None:
    with stages.writing(sam) as work:
        feeds.update_feed(work, "prod", feeds.FeedChange(accepts=Accepts.PROMOTIONS))
    assert promotions.promote(stages, sam, ask(("left", "1.0.0"))).promotion
    with pytest.raises(Forbidden, match="takes promotions only"):
        publish_sample(stages, "prod", "left", "2.0.0")
    changes = (
        lambda work: publishing.delete_versions(work, "prod", "left"),
        lambda work: publishing.set_listed(work, "prod", "left", "1.0.0", listed=False),
        lambda work: publishing.set_tag(work, "prod", "left", "latest", "1.0.0"),
        lambda work: publishing.remove_tag(work, "prod", "left", "latest"),
        lambda work: publishing.set_deprecated(work, "prod", "left", {"1.0.0": "old"}),
    )
    for change in changes:
        with pytest.raises(Forbidden, match="takes promotions only"), stages.writing(sam) as work:
            change(work)
    assert versions_in(stages, sam, "prod", "left") == ["1.0.0"]


def test_history_survives_the_deletion_of_feeds_and_people(stages: Runtime, sam: Actor) -> None:
    ann = user(stages, sam, "ann", ("View & Download Packages", "dev"), ("Promote Packages", "prod"))
    promotions.promote(stages, ann, ask(("left", "1.0.0")))
    with stages.writing(sam) as work:
        people.delete_user(work, "ann")
        feeds.update_feed(work, "dev", feeds.FeedChange(name="renamed"))
        feeds.delete_feed(work, "prod")
    with stages.reading(sam) as work:
        (line,), total = history.versions(work, HistoryFilter())
        assert total == 1
        record = line.promotion
        assert (record.source_name, record.target_name, record.actor) == ("dev", "prod", "ann")
        assert events.verify(work) is None


def test_history_shows_only_what_one_may_view(stages: Runtime, sam: Actor) -> None:
    promotions.promote(stages, sam, ask(("left", "1.0.0")))
    ann = user(stages, sam, "ann", ("View & Download Packages", "test"))
    bob = user(stages, sam, "bob", ("View & Download Packages", "prod"))
    for actor, seen in ((ann, 0), (bob, 1), (ANONYMOUS, 0)):
        with stages.reading(actor) as work:
            assert history.versions(work, HistoryFilter())[1] == seen


def test_a_changed_event_is_found(stages: Runtime, sam: Actor) -> None:
    promotions.promote(stages, sam, ask(("left", "1.0.0")))
    with stages.writing(sam) as work:
        entry = work.session.scalars(select(Event).where(Event.tag == "promoted")).one()
        entry.actor = "somebody else"
    with stages.reading(sam) as work:
        broken = events.verify(work)
        assert broken is not None
        assert broken.id == entry.id


def test_two_who_promote_overlapping_sets_at_once_write_each_version_once(stages: Runtime, sam: Actor) -> None:
    names = [f"pkg-{number}" for number in range(30)]
    for name in names:
        publish_sample(stages, "dev", name, "1.0.0")
    barrier, failures = Barrier(2), []

    def work(items: list[str]) -> None:
        barrier.wait()
        try:
            promotions.promote(stages, sam, ask(*((name, "1.0.0") for name in items)))
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=work, args=(part,)) for part in (names[:20], names[10:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with stages.reading(sam) as work_:
        lines, _ = history.versions(work_, HistoryFilter(limit=100))
        added = [line.name for line in lines if line.outcome == "add"]
        assert sorted(added) == sorted(names)
        assert events.verify(work_) is None


def test_the_number_of_statements_does_not_depend_on_the_number_of_versions(stages: Runtime, sam: Actor) -> None:
    for number in range(40):
        publish_sample(stages, "dev", f"many-{number}", "1.0.0")
    statements: list[str] = []
    event.listen(stages.database.writer, "before_cursor_execute", lambda *args: statements.append(args[2]), named=False)
    counts = []
    for part in (range(1), range(1, 40)):
        statements.clear()
        promotions.promote(stages, sam, ask(*((f"many-{number}", "1.0.0") for number in part)))
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_failed_verification_undoes_everything(stages: Runtime, sam: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copying.copy

    def lose_one(work: Any, *args: Any) -> None:
        copy(work, *args)
        prod = access.get_feed(work, "prod")
        lost = select(Version).join(Package).where(Package.feed_id == prod.id)
        work.session.delete(work.session.scalars(lost).first())
        work.session.flush()

    monkeypatch.setattr(copying, "copy", lose_one)
    with pytest.raises(Conflict, match="was undone"):
        promotions.promote(stages, sam, ask(("left", "1.0.0"), ("@acme/ui", "1.0.0")))
    assert (count(stages, Promotion), versions_in(stages, sam, "prod", "left")) == (0, [])


def test_latest_in_the_target_is_the_highest_stable_unless_somebody_set_it(stages: Runtime, sam: Actor) -> None:
    def latest() -> str | None:
        with stages.reading(sam) as work:
            record = packages.get_package(work, access.get_feed(work, "prod"), "@acme/ui")
            return packages.resolve_alias(record, "latest")

    promotions.promote(stages, sam, ask(("@acme/ui", "1.1.0")))
    promotions.promote(stages, sam, ask(("@acme/ui", "1.0.0"), ("@acme/ui", "2.0.0-rc.1")))
    assert latest() == "1.1.0"
    with stages.writing(sam) as work:
        publishing.set_tag(work, "prod", "@acme/ui", "latest", "1.0.0")
    publish_sample(stages, "dev", "@acme/ui", "3.0.0")
    promotions.promote(stages, sam, ask(("@acme/ui", "3.0.0")))
    assert latest() == "1.0.0"


def test_a_plan_may_hold_no_version_and_no_end_of_them(stages: Runtime, sam: Actor) -> None:
    with pytest.raises(Invalid):
        promotions.promote(stages, sam, ask())
    many = SimpleNamespace(items=[("left", f"{n}.0.0") for n in range(promotions.MAX_ITEMS + 1)]).items
    with pytest.raises(Invalid):
        promotions.promote(stages, sam, ask(*many))
