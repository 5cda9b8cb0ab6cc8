"""The hooks through which plugins register and are told; few, and none of them takes a context."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from app.domain.history import EventFacts
from app.domain.promotion import Objection, Plan

if TYPE_CHECKING:
    from app.plugin.blobs import BlobStoreFactory
    from app.plugin.format import FeedFormat

PROJECT = "promontory"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_formats() -> Iterable[FeedFormat]:  # type: ignore[empty-body]
    """Give the formats that a plugin brings; called once at start."""


@hookspec
def register_blob_stores() -> Iterable[BlobStoreFactory]:  # type: ignore[empty-body]
    """Give the kinds of blob store that a plugin brings; called once at start."""


@hookspec
def review_promotion(plan: Plan) -> Iterable[Objection]:  # type: ignore[empty-body]
    """Give reasons against a promotion; called when its plan is shown and again when it is applied.

    An exception is an objection.
    """


@hookspec
def event_recorded(event: EventFacts) -> None:
    """Be told of an event after its commit; an exception is logged and undoes nothing."""
