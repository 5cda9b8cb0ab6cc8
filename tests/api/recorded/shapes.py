"""What the vendor's client reads of each answer: the members that it declares, with their types."""

from __future__ import annotations

from datetime import datetime

from tests.api.recorded.client import Shape

FEED: Shape = {
    "name": str, "feedType": str, "alternateNames": [str], "description": str, "active": bool, "feedGroup": str,
    "cacheConnectors": bool, "connectors": [str], "allowedLicenses": [str], "blockedLicenses": [str],
    "vulnerabilitySources": [str], "retentionRules": [{}], "packageFilters": {}, "packageAccessRules": {},
    "variables": {}, "canPublish": bool, "endpointUrl": str, "symbolServerEnabled": bool, "stripSymbols": bool,
    "packageStatisticsEnabled": bool, "restrictPackageStatistics": bool, "deploymentRecordsEnabled": bool,
    "usageRecordsEnabled": bool, "vulnerabilitiesEnabled": bool, "licensesEnabled": bool, "useWithProjects": bool,
}  # fmt: skip
CONNECTOR: Shape = {
    "name": str, "url": str, "feedType": str, "enabled": bool, "timeout": int, "metadataCacheEnabled": bool,
    "metadataCacheMinutes": int, "metadataCacheCount": int, "username?": str, "filters": [str],
}  # fmt: skip
BASIC_FEED: Shape = {"id?": int, "name": str, "feedType": str, "packageType": str}
VERSION: Shape = {
    "purl": str, "group?": str, "name": str, "version": str, "qualifier?": str, "totalDownloads": int,
    "downloads": int, "published": datetime, "publishedBy?": str, "size": int, "listed": bool, "deprecated": bool,
    "md5": str, "sha1": str, "sha256": str, "sha512": str, "allowDownload?": bool, "deprecationReason?": str,
}  # fmt: skip
STATE = {"Local", "Cached", "Remote"}
METADATA: Shape = {
    "name": str, "version": str, "published?": datetime, "publishedBy?": str, "state": STATE, "size": int,
    "downloads": int, "licenses?": [{"code": str, "title": str}], "vulnerabilities?": [{"id": str, "summary": str}],
    "artifacts": [{"qualifier": str, "name?": str, "size": int, "downloads": int, "state": STATE}],
    "status?": {"deprecated": bool, "listed": bool, "allowDownload": bool},
}  # fmt: skip
AUDIT: Shape = {"resultCode?": str, "analysisDate?": datetime, "detail?": str, "statusText": str}
WELL = {"OK"}
HEALTH: Shape = {
    "applicationName": str, "databaseStatus": WELL, "databaseStatusDetails?": str, "extensionsInstalled": {},
    "licenseStatus": WELL, "licenseStatusDetail?": str, "versionNumber": str, "releaseNumber": str,
    "serviceStatus": WELL, "serviceStatusDetail?": str,
    "replicationStatus?": {"serverStatus?": WELL, "clientStatus?": WELL},
}  # fmt: skip
KEY: Shape = {
    "id": int, "type": {"System", "Feed", "Personal", "Other"}, "key?": str, "displayName?": str, "description?": str,
    "systemApis?": [str], "packagePermissions?": [str], "feed?": str, "feedGroup?": str, "expiration?": datetime,
    "logging": {"None", "Request", "Response", "Both"}, "user?": str,
}  # fmt: skip
NEW_KEY: Shape = {**KEY, "key": str}
USER: Shape = {"name": str, "displayName?": str, "email?": str, "groups?": [str]}
GROUP: Shape = {"name": str, "users?": [str]}
TASK: Shape = {"name": str, "description?": str, "feedScoped": bool, "attributes": [str]}
ATTRIBUTE: Shape = {"name": str, "feedScoped": bool}
PERMISSION: Shape = {
    "id": int, "user?": str, "group?": str, "task": str, "feed?": str, "feedGroup?": str, "deny": bool
}  # fmt: skip
SETTING: Shape = {"name": str, "value": str, "description": str, "valueType": {"Text", "Integer", "Boolean"}}
UPACK: Shape = {"name": str, "version": str, "group?": str}
