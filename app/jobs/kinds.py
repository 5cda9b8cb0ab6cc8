"""What a kind of job is: the work that is done for one row of the table ``job``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from app.jobs.context import JobContext


class JobKind(ABC):
    """Do one kind of work. It may be begun again after its process died: what is done is not to be done twice."""

    key: ClassVar[str]

    @abstractmethod
    def run(self, context: JobContext) -> None:
        """Do what is left; raise an AppError to fail the whole job with its message."""


class Cancelled(Exception):
    """Be raised through a job that somebody cancelled, or whose process ends."""


class Skipped(Exception):
    """Be raised for an item that needs nothing; its text says why."""
