"""What goes wrong between a connector and its remote source."""

from app.domain.errors import UpstreamFailed


class Outage(UpstreamFailed):
    """Report that a source is down, slow or holding us back: an older answer may stand in for it."""

    code = "upstream-unavailable"


class Truncated(UpstreamFailed):
    """Report a body that ended before its declared size."""

    code = "truncated"


class DigestMismatch(UpstreamFailed):
    """Report bytes that are not those that the source declared."""

    code = "wrong-digest"
