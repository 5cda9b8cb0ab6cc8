"""Tell the time: the real one, or one that a conformance suite sets."""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.errors import NotOffered
from app.services.runtime import Runtime


def utc_now() -> datetime:
    """Give the time in UTC."""
    return datetime.now(UTC)


class StoppableClock:
    """Be a clock that goes until somebody stops it at a moment; for tests that play the past."""

    def __init__(self) -> None:
        self.moment: datetime | None = None

    def __call__(self) -> datetime:
        """Give the time in UTC."""
        return self.moment or utc_now()


def set_clock(runtime: Runtime, moment: datetime) -> None:
    """Stop the clock at a moment; raises NotOffered unless the setting ``test_hooks`` is on."""
    if not isinstance(runtime.clock, StoppableClock):
        raise NotOffered("Only an installation with the setting test_hooks lets its clock be set.")
    runtime.clock.moment = moment.astimezone(UTC)
