"""All there is in the API, in the order of the document."""

from __future__ import annotations

from app.web.api.v1 import connectors, feeds, jobs, keys, packages, people, promotions, pulls, rights, tags
from app.web.api.v1.operations import Operation, Resource

RESOURCES: tuple[Resource, ...] = (
    *(feeds.feeds_v1, feeds.groups_v1),
    *(packages.packages_v1, packages.versions_v1, tags.tags_v1),
    promotions.promotions_v1,
    *(connectors.connectors_v1, pulls.pulls_v1, jobs.jobs_v1),
    *(people.users_v1, people.groups_v1),
    *(rights.tasks_v1, rights.grants_v1, rights.privileges_v1),
    *(keys.keys_v1, keys.events_v1),
)
OPERATIONS: tuple[Operation, ...] = tuple(operation for each in RESOURCES for operation in each.operations)
