"""Every command of the vendor's client, and why some are not offered here."""

from __future__ import annotations

from tests.api.recorded.client import Request, get, post
from tests.api.recorded.shapes import FEED

FEEDS = "api/management/feeds"

LOCAL: dict[str, str] = {
    "sources add": "writes the client's own configuration",
    "sources list": "reads the client's own configuration",
    "sources remove": "writes the client's own configuration",
    "upack create": "packs files",
    "upack list": "reads the client's own registry",
    "upack remove": "removes files",
    "upack update": "sends what upack install sends",
}

NO_RETENTION = "feeds keep what they hold until somebody deletes it, so that no rule is taken and not obeyed"
NO_STORES = "every feed shares one store of bytes, which is a setting of the server"
BEYOND = "beyond the curation of packages"
NOT_OFFERED: dict[str, tuple[str, Request]] = {
    "packages repackage": (
        "a package leaves as it came in, byte for byte",
        post(
            "api/repackaging/repackage",
            {"feed": "dev", "name": "left", "version": "1.0.0", "newVersion": "1.0.0-x"},
            status=404,
        ),
    ),
    "feeds retention create": (
        NO_RETENTION,
        post(f"{FEEDS}/update/dev", {"name": "dev", "retentionRules": [{"keepVersionsCount": 5}]}, status=400),
    ),
    "feeds retention update": (
        NO_RETENTION,
        post(f"{FEEDS}/update/dev", {"name": "dev", "retentionRules": [{"deleteCached": True}]}, status=400),
    ),
    "feeds retention delete": (
        "there is no rule to delete; the whole feed sent back is taken",
        post(f"{FEEDS}/update/dev", {"name": "dev", "retentionRules": []}, FEED),
    ),
    "feeds storage types": (NO_STORES, get("api/storage", status=404)),
    "feeds storage info": (NO_STORES, get("api/storage?feed=dev", status=404)),
    "feeds storage change": (NO_STORES, post("api/storage?feed=dev", {"id": "disk", "properties": {}}, status=404)),
    "settings set": (
        "settings name directories of code and whom to believe; they are changed where the server is",
        post("api/settings/set?name=threads&value=8", status=400),
    ),
    "licenses": (BEYOND, get("api/licenses/list", status=404)),
    "vulns audit": (BEYOND, post("api/sca/audit-package-vulns", {}, status=404)),
    "vulns assess": (BEYOND, post("api/sca/assess?id=PGV-1&type=ignore", status=404)),
    "builds": (BEYOND, get("api/sca/projects", status=404)),
    "assets": (BEYOND, get("endpoints/files/dir/", status=404)),
}

COMMANDS = (
    """
sources add · sources list · sources remove · sources test · health
packages list · packages versions · packages download · packages upload · packages delete · packages status
packages repackage · packages promote · packages audit · packages metadata
feeds list · feeds create · feeds delete · feeds properties list · feeds properties set
feeds retention list · feeds retention create · feeds retention update · feeds retention delete
feeds storage types · feeds storage info · feeds storage change
connectors list · connectors create · connectors delete · connectors properties list · connectors properties set
connectors filters list · connectors filters add · connectors filters remove
apikeys list · apikeys create system · apikeys create feed · apikeys create personal · apikeys delete
security users list · security users show · security users create · security users edit · security users delete
security groups list · security groups create · security groups delete
security groups members list · security groups members add · security groups members remove
security tasks list · security tasks create · security tasks delete · security attributes list
security permissions list · security permissions add · security permissions remove
settings list · settings set · licenses · vulns audit · vulns assess · builds · assets
upack create · upack install · upack list · upack remove · upack update
""".replace("\n", " · ")
    .strip(" ·")
    .split(" · ")
)
"""Every command of the contract's section 3."""
