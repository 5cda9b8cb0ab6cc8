"""The commands of the vendor's client, the requests that each sends, and what it reads of the answers.

The table is that of the contract's section 3. The world of these tests: npm feeds dev (left, @acme/ui), prod, and team
in the feed group Team; the universal feed tools (acme/tool); the feed gems (rack); ann, in the group Leads; the task
Approve; a permission and a key, by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.api.recorded.client import Request, data, get, post, put
from tests.api.recorded.shapes import (
    ATTRIBUTE,
    AUDIT,
    BASIC_FEED,
    CONNECTOR,
    FEED,
    GROUP,
    HEALTH,
    KEY,
    METADATA,
    NEW_KEY,
    PERMISSION,
    SETTING,
    TASK,
    UPACK,
    USER,
    VERSION,
)

Answers = list[Any]
LEFT, UI = "name=left&version=1.0.0", f"name=ui&version=1.0.0&group={data('@acme')}"
CONNECTORS = "api/management/connectors"
FEEDS, PEOPLE, RIGHTS = "api/management/feeds", "api/security", "api/security"


def named(answers: Answers, name: str) -> Any:
    """Give the entry of a name of the answer before."""
    return next(each for each in answers[-1] if each["name"] == name)


def names(value: Any) -> list[str]:
    """Give the names of entries."""
    return [each["name"] for each in value]


def versions(*expected: str) -> Any:
    """Expect versions."""
    return lambda value: sorted(each["version"] for each in value) == sorted(expected)


def having(name: str = "left", **expected: Any) -> Any:
    """Expect the entry of a name to hold these members."""
    return lambda value: expected.items() <= named([value], name).items()


def members(*expected: str) -> Any:
    """Expect Leads to hold these."""
    return lambda value: [sorted(each["users"]) for each in value if each["name"] == "Leads"] == [sorted(expected)]


def key(kind: str, **fields: Any) -> Mapping[str, Any]:
    """Give a key to create, its members in the order in which the client declares them."""
    order = (
        "key", "displayName", "description", "systemApis", "packagePermissions", "feed", "feedGroup", "expiration",
        "logging", "user",
    )  # fmt: skip
    return {"type": kind, **{name: fields.get(name) for name in order}}


def permission(task: str, **fields: Any) -> Mapping[str, Any]:
    """Give a permission to add; the client always says whether it denies."""
    order = ("user", "group")
    after = ("feed", "feedGroup")
    start = {name: fields.get(name) for name in order}
    return {**start, "task": task, **{name: fields.get(name) for name in after}, "deny": fields.get("deny", False)}


def package_cases(tarball: bytes) -> dict[str, list[list[Request]]]:
    """Give the commands about packages; ``tarball`` is an npm package that no feed holds, @acme/new 1.0.0."""
    probe = get("api/packages/dev", BASIC_FEED)
    new = get("api/packages/dev/versions?group=%40acme&name=new", [VERSION], holds=versions("1.0.0"))
    return {
        "packages list": [
            [get("api/packages/dev/latest", [VERSION], holds=versions("1.1.0", "1.0.0"))],
            [get("api/packages/dev/latest?name=left&stableOnly=true", [VERSION], holds=versions("1.1.0"))],
            [get("api/packages/dev/latest?group=%40acme&name=ui", [VERSION], holds=versions("1.0.0"))],
            [get("api/packages/dev/latest?name=nothing", [VERSION], holds=lambda value: value == [])],
        ],
        "packages versions": [
            [get("api/packages/dev/versions?name=left", [VERSION], holds=versions("1.0.0", "1.1.0", "2.0.0-rc.1"))],
            [get("api/packages/dev/versions?name=left&version=1.0.0", [VERSION], holds=versions("1.0.0"))],
            [get("api/packages/dev/versions?name=nothing", [VERSION], holds=lambda value: value == [])],
        ],
        "packages download": [
            *([probe, get(f"api/packages/dev/download?name=left&version={version}", download=True)]
              for version in ("1.0.0", "latest", "latest-stable", "latest-unstable")),
            [probe, get(f"api/packages/dev/download?{UI}", download=True)],
            [
                get("api/packages/gems", BASIC_FEED, holds=lambda value: value["packageType"] == "gem"),
                get("api/packages/gems/download?name=rack&version=1.0.0&qualifier=platform%3Druby", download=True),
            ],
        ],
        "packages upload": [
            [put("api/packages/dev/upload", tarball), new],
            [put("api/packages/dev/upload", tarball, piped=True), new],
            [put("api/packages/dev/upload/new [1] ü+&'(x).tgz", tarball), new],
            [put("api/packages/dev/upload/%.tgz", tarball), new],
        ],
        "packages delete": [
            [probe, post(f"api/packages/dev/delete?{UI}"),
             get("api/packages/dev/versions?group=%40acme&name=ui", [VERSION], holds=versions())],
        ],
        "packages status": [
            [post(f"api/packages/dev/status?{LEFT}", sent),
             get(f"api/packages/dev/versions?{LEFT}", [VERSION], holds=having(**want))]
            for sent, want in (
                ({"listed": False}, {"listed": False}),
                ({"listed": True}, {"listed": True}),
                ({"allow": True}, {"listed": True}),
                ({}, {"listed": True}),
                ({"deprecated": True, "deprecationReason": "<old> & 'unsafe'"},
                 {"deprecated": True, "deprecationReason": "<old> & 'unsafe'"}),
            )
        ],
        "packages promote": [
            [post("api/promotions/promote", {"fromFeed": "dev", "group": group, "name": name, "version": version,
                                             "toFeed": "prod", "comments": comments}),
             get("api/packages/prod/latest", [VERSION], holds=lambda value: len(value) == 1)]
            for group, name, version, comments in (
                (None, "left", "1.0.0", None),
                ("@acme", "ui", "latest", "reviewed & “fine”"),
                (None, "left", "latest-stable", ""),
            )
        ],
        "packages audit": [[post(f"api/packages/dev/audit?{LEFT}", shape=AUDIT)]],
        "packages metadata": [
            [get(f"api/packages/dev/metadata?{LEFT}", METADATA)],
            [get("api/packages/gems/metadata?name=rack&version=1.0.0", METADATA)],
        ],
        "upack install": [
            [
                get("upack/tools/versions?group=acme&name=tool", [UPACK], holds=versions("1.0.0")),
                get("upack/tools/download/acme/tool/1.0.0", download=True),
            ],
            [
                get("upack/tools/versions?group=&name=alone", [UPACK], holds=versions("1.0.0")),
                get("upack/tools/download/alone/1.0.0", download=True),
            ],
        ],
    }  # fmt: skip


FEED_CASES: dict[str, list[list[Request]]] = {
    "health": [[get("health", HEALTH)], [get("health?format=json", HEALTH)]],
    "sources test": [[get("health", HEALTH)]],
    "feeds list": [[get(f"{FEEDS}/list", [FEED], holds=lambda value: "dev" in names(value))]],
    "feeds create": [
        [
            post(f"{FEEDS}/create", {"name": "new", "feedType": kind}, FEED),
            get(f"{FEEDS}/get/new", FEED, holds=lambda value: value["active"]),
        ]
        for kind in ("NuGet", "npm", "RubyGems", "Universal", "universal")
    ],
    "feeds delete": [
        [Request("DELETE", f"{FEEDS}/delete/prod"), get(f"{FEEDS}/get/prod", status=404)],
    ],
    "feeds properties list": [[get(f"{FEEDS}/get/dev", FEED)]],
    "feeds properties set": [
        [
            post(f"{FEEDS}/update/dev", {"active": False}, FEED),
            get(f"{FEEDS}/list", [FEED], holds=having("dev", active=False)),
        ],
        [post(f"{FEEDS}/update/dev", {"vulnerabilitiesEnabled": True}, FEED)],
        [post(f"{FEEDS}/update/dev", {"alternateNames": ["old"]}, status=400)],
    ],
    "feeds retention list": [[get(f"{FEEDS}/get/dev", FEED, holds=lambda value: value["retentionRules"] == [])]],
}


def _lets(*filters: str) -> Callable[[Any], bool]:
    return lambda value: value["filters"] == list(filters) and "password" not in value


CONNECTOR_CASES: dict[str, list[list[Request]]] = {
    "connectors list": [[get(f"{CONNECTORS}/list", [CONNECTOR], holds=lambda value: names(value) == ["public"])]],
    "connectors create": [
        [
            post(
                f"{CONNECTORS}/create",
                {"name": "new", "url": "https://localhost/", "feedType": kind, **more},
                CONNECTOR,
            ),
            get(f"{CONNECTORS}/get/new", CONNECTOR, holds=lambda value: value["enabled"] and "password" not in value),
        ]
        for kind, more in (
            ("NuGet", {}),
            ("npm", {"username": "ann", "password": "s3cret words", "timeout": 20}),
            ("universal", {"filters": ["acme.*", "!acme.x"], "metadataCacheEnabled": False}),
        )
    ],
    "connectors delete": [
        [post(f"{CONNECTORS}/delete/public"), get(f"{CONNECTORS}/get/public", status=404)],
        [Request("DELETE", f"{CONNECTORS}/delete/public"), get(f"{CONNECTORS}/get/public", status=404)],
    ],
    "connectors properties list": [[get(f"{CONNECTORS}/get/public", CONNECTOR)]],
    "connectors properties set": [
        [
            post(f"{CONNECTORS}/update/public", {"timeout": 5, "metadataCacheMinutes": 7}, CONNECTOR),
            get(f"{CONNECTORS}/list", [CONNECTOR], holds=having("public", timeout=5, metadataCacheMinutes=7)),
        ],
        [post(f"{CONNECTORS}/update/public", {"timeout": -1}, status=400)],
    ],
    "connectors filters list": [[get(f"{CONNECTORS}/get/public", CONNECTOR, holds=_lets("left*"))]],
    "connectors filters add": [
        [
            post(f"{CONNECTORS}/update/public", {"filters": ["left*", "!left-x"]}, CONNECTOR),
            get(f"{CONNECTORS}/get/public", CONNECTOR, holds=_lets("left*", "!left-x")),
        ]
    ],
    "connectors filters remove": [[post(f"{CONNECTORS}/update/public", {"filters": []}, CONNECTOR, holds=_lets())]],
}

KEY_CASES: dict[str, list[list[Request]]] = {
    "apikeys list": [[get("api/api-keys/list", [KEY], holds=lambda value: len(value) > 1)]],
    "apikeys create system": [
        [
            post("api/api-keys/create", key("System", systemApis=apis, **more), NEW_KEY),
            get("api/api-keys/list", [KEY], holds=lambda value: all("key" not in each for each in value)),
        ]
        for apis, more in (
            (["feeds", "sca", "sbom-upload"], {}),
            (["full-control", "feeds", "sbom", "sbom-upload"], {"displayName": "ci", "description": "Builds & tests"}),
            (["feeds"], {"expiration": "2999-12-31T00:00:00", "logging": "None"}),
            (["feeds"], {"key": "k3y-0f-my-0wn-ch00s1ng-2026"}),
        )
    ],
    "apikeys create feed": [
        [post("api/api-keys/create", key("Feed", packagePermissions=["view", "promote"], feed="dev"), NEW_KEY)],
        [post("api/api-keys/create", key("Feed", packagePermissions=["view"], feedGroup="Team"), NEW_KEY)],
        [post("api/api-keys/create", key("Feed", packagePermissions=["view"]), status=400)],
    ],
    "apikeys create personal": [
        [post("api/api-keys/create", key("Personal", logging="None", user="ann", displayName="laptop"), NEW_KEY)],
    ],
    "apikeys delete": [
        [post("api/api-keys/delete?id={key}"), post("api/api-keys/delete?id={key}", status=404)],
    ],
    "settings list": [
        [get("api/settings/list?showAll=False", [SETTING])],
        [get("api/settings/list?showAll=True", [SETTING])],
    ],
}

PEOPLE_CASES: dict[str, list[list[Request]]] = {
    "security users list": [[get(f"{PEOPLE}/users/list", [USER], holds=lambda value: "ann" in names(value))]],
    "security users show": [[get(f"{PEOPLE}/users/list", [USER], holds=lambda value: "ann" in names(value))]],
    "security users create": [
        [
            post(
                f"{PEOPLE}/users/add",
                {
                    "name": "John Smith",
                    "displayName": "jsmith",
                    "email": "jsmith+x@example.org",
                    "password": "violet harbour & 9 lanterns",
                },
            ),
            get(
                f"{PEOPLE}/users/list",
                [USER],
                holds=lambda v: named([v], "John Smith")["email"] == "jsmith+x@example.org",
            ),
        ]
    ],
    "security users edit": [
        [
            post(f"{PEOPLE}/users/update", {"name": "ann", "displayName": "Ann", "password": None}),
            get(f"{PEOPLE}/users/list", [USER], holds=having("ann", displayName="Ann")),
            get(f"{PEOPLE}/groups/list", [GROUP], holds=members("ann")),
        ],
        [post(f"{PEOPLE}/users/update", {"name": "ann", "password": "violet harbour & 9 lanterns"})],
    ],
    "security users delete": [
        [
            post(f"{PEOPLE}/users/delete?user=ann"),
            post(f"{PEOPLE}/users/delete?user=ann"),
            get(f"{PEOPLE}/users/list", [USER], holds=lambda value: "ann" not in names(value)),
        ],
    ],
    "security groups list": [[get(f"{PEOPLE}/groups/list", [GROUP], holds=members("ann"))]],
    "security groups create": [
        [
            post(f"{PEOPLE}/groups/add", {"name": "Build servers"}),
            get(f"{PEOPLE}/groups/list", [GROUP], holds=lambda value: "Build servers" in names(value)),
        ]
    ],
    "security groups delete": [
        [
            post(f"{PEOPLE}/groups/delete?group=Leads"),
            get(f"{PEOPLE}/groups/list", [GROUP], holds=lambda value: value == []),
        ]
    ],
    "security groups members list": [[get(f"{PEOPLE}/groups/list", [GROUP], holds=members("ann"))]],
    "security groups members add": [
        [
            get(f"{PEOPLE}/groups/list", [GROUP]),
            post(
                f"{PEOPLE}/groups/update",
                lambda answers: {"name": "Leads", "users": [*named(answers, "Leads")["users"], "bob"]},
            ),
            get(f"{PEOPLE}/groups/list", [GROUP], holds=members("ann", "bob")),
        ]
    ],
    "security groups members remove": [
        [
            get(f"{PEOPLE}/groups/list", [GROUP]),
            post(f"{PEOPLE}/groups/update", {"name": "Leads", "users": []}),
            get(f"{PEOPLE}/groups/list", [GROUP], holds=members()),
        ]
    ],
    "security tasks list": [[get(f"{RIGHTS}/tasks/list", [TASK], holds=lambda value: len(value) == 7)]],
    "security tasks create": [
        [
            post(
                f"{RIGHTS}/tasks/add",
                {"name": "Look", "description": "", "feedScoped": False, "attributes": ["Feeds_ViewFeed"]},
            ),
            get(f"{RIGHTS}/tasks/list", [TASK], holds=having("Look", feedScoped=True)),
        ],
        [
            get(f"{RIGHTS}/tasks/list", [TASK]),
            post(
                f"{RIGHTS}/tasks/update",
                {"name": "Approve", "description": "x", "feedScoped": False, "attributes": ["Feeds_ViewFeed"]},
            ),
            get(
                f"{RIGHTS}/tasks/list",
                [TASK],
                holds=lambda v: named([v], "Approve")["attributes"] == ["Feeds_ViewFeed"],
            ),
        ],
    ],
    "security tasks delete": [
        [
            post(f"{RIGHTS}/tasks/delete?task=Approve"),
            get(f"{RIGHTS}/tasks/list", [TASK], holds=lambda value: "Approve" not in names(value)),
        ],
        [post(f"{RIGHTS}/tasks/delete?task={data('View & Download Packages')}", status=400)],
    ],
    "security attributes list": [[get(f"{RIGHTS}/attributes/list", [ATTRIBUTE], holds=lambda value: len(value) == 21)]],
    "security permissions list": [[get(f"{RIGHTS}/permissions/list", [PERMISSION])]],
    "security permissions add": [
        [
            post(f"{RIGHTS}/permissions/add", permission("View & Download Packages", **fields)),
            get(
                f"{RIGHTS}/permissions/list",
                [PERMISSION],
                holds=lambda value, fields=fields: fields.items() <= value[-1].items(),
            ),
        ]
        for fields in (
            {"user": "ann"},
            {"group": "Leads", "feed": "prod"},
            {"group": "Leads", "feed": "dev", "deny": True},
            {"user": "ann", "feedGroup": "Team"},
            {"user": "Anonymous", "feed": "dev"},
            {"user": "Everyone"},
        )
    ],
    "security permissions remove": [
        [
            post(f"{RIGHTS}/permissions/delete?permissionId={{permission}}"),
            post(f"{RIGHTS}/permissions/delete?permissionId={{permission}}", status=404),
        ],
    ],
}
