"""Every kind of job, by its key."""

from __future__ import annotations

from collections.abc import Mapping

from app.jobs.importing import ImportingFiles, ImportingPackages
from app.jobs.kinds import JobKind
from app.jobs.looking import Looking
from app.jobs.pulling import Pulling

KINDS: Mapping[str, JobKind] = {
    kind.key: kind for kind in (Pulling(), ImportingFiles(), ImportingPackages(), Looking())
}
