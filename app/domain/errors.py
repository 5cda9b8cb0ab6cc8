"""The one error tree: every refusal has a stable code and a message that names the way out."""

from collections.abc import Mapping


class AppError(Exception):
    """Refuse a request for a reason that its sender can act on.

    ``code`` is stable and part of the API; ``message`` names the thing, the value and the way out;
    ``details`` holds the same facts as JSON values.
    """

    code = "error"
    status = 400

    def __init__(self, message: str, *, code: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = details
        if code is not None:
            self.code = code


class Invalid(AppError):
    """Refuse input that cannot mean anything here."""

    code = "invalid"
    status = 400


class InvalidPackage(Invalid):
    """Refuse a file that is no acceptable package of its format."""

    code = "invalid-package"


class TooLarge(Invalid):
    """Refuse a body that passes a size limit."""

    code = "too-large"
    status = 413


class Unauthenticated(AppError):
    """Ask for credentials: nobody, or nobody known, is speaking."""

    code = "unauthenticated"
    status = 401


class Forbidden(AppError):
    """Refuse somebody known who lacks a right."""

    code = "forbidden"
    status = 403


class NotFound(AppError):
    """Say that a named thing is not here."""

    code = "not-found"
    status = 404


class Conflict(AppError):
    """Refuse a change that collides with what is already there."""

    code = "conflict"
    status = 409


class StalePlan(Conflict):
    """Refuse to apply a plan whose facts have changed since it was shown."""

    code = "stale-plan"


class UpstreamFailed(AppError):
    """Report that a remote source did not deliver."""

    code = "upstream-failed"
    status = 502


class NotOffered(AppError):
    """Say that an operation of the protocol is not offered here."""

    code = "not-offered"
    status = 501


class Refused(AppError):
    """Refuse a promotion that a rule or a gate stands against."""

    code = "refused"
    status = 400
