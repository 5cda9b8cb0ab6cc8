"""The public plugin API: everything that a plugin may import."""

from app.domain.errors import (
    AppError,
    Conflict,
    Forbidden,
    Invalid,
    InvalidPackage,
    NotFound,
    NotOffered,
    TooLarge,
    Unauthenticated,
    UpstreamFailed,
)
from app.domain.history import EventFacts
from app.domain.permissions import Permission
from app.domain.promotion import Objection, Outcome, Plan, PlanItem
from app.plugin.blobs import BlobDigests, BlobStore, BlobStoreFactory
from app.plugin.format import (
    ClientSource,
    Dependency,
    DependencySpec,
    Entry,
    Feature,
    FeedAddress,
    FeedFormat,
    Manifest,
    Snippet,
    SpecKind,
)
from app.plugin.hooks import hookimpl
from app.plugin.kit import FormatKit, Request, Sample
from app.plugin.records import FileChange, FileLine
from app.plugin.upstream import (
    HttpClient,
    RemoteFile,
    RemoteLine,
    RemotePackage,
    RemotePage,
    RemoteVersion,
    Upstream,
)

__all__ = [
    "AppError",
    "BlobDigests",
    "BlobStore",
    "BlobStoreFactory",
    "ClientSource",
    "Conflict",
    "Dependency",
    "DependencySpec",
    "Entry",
    "EventFacts",
    "Feature",
    "FeedAddress",
    "FeedFormat",
    "FileChange",
    "FileLine",
    "Forbidden",
    "FormatKit",
    "HttpClient",
    "Invalid",
    "InvalidPackage",
    "Manifest",
    "NotFound",
    "NotOffered",
    "Objection",
    "Outcome",
    "Permission",
    "Plan",
    "PlanItem",
    "RemoteFile",
    "RemoteLine",
    "RemotePackage",
    "RemotePage",
    "RemoteVersion",
    "Request",
    "Sample",
    "Snippet",
    "SpecKind",
    "TooLarge",
    "Unauthenticated",
    "Upstream",
    "UpstreamFailed",
    "hookimpl",
]
