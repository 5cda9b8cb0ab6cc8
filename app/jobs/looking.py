"""Look for newer versions of what a feed holds."""

from __future__ import annotations

from app.jobs.context import JobContext
from app.jobs.kinds import JobKind
from app.services import newest


class Looking(JobKind):
    """Ask a feed's connectors about each package that it holds."""

    key = newest.KIND

    def run(self, context: JobContext) -> None:
        """Ask about all of them; a second time costs the sources little more than a header each."""

        def told(_done: int, _total: int) -> None:
            context.check()

        found = newest.refresh(context.runtime, context.actor, context.feed_name, told)
        failed = f"; {found.failed:,} could not be asked about" if found.failed else ""
        context.result = f"Asked about {found.asked:,} packages: {found.behind:,} are behind upstream{failed}."
