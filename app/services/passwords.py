"""Passwords: what makes one good enough, how it is kept, how one is checked."""

from __future__ import annotations

from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from app.domain.errors import Invalid

MIN_LENGTH, MAX_LENGTH = 10, 1024
# scrypt with N 2^15, r 8, p 3: one of the equivalent parameter sets of OWASP's Password Storage Cheat Sheet.
METHOD = "scrypt:32768:8:3"
_GUESSED_LENGTH = 72  # As far as the estimator looks; what is longer is not easily guessed for its length alone.
_EASY = 2


def hash_new(password: str, *about: str) -> str:
    """Give the hash under which a new password is kept; raise Invalid for a weak one.

    ``about`` are the user's name and the like, which the password must not merely repeat. Length and a list of
    known bad ones decide (NIST SP 800-63B section 3.1.1.2), no rules about kinds of characters.
    """
    if len(password) < MIN_LENGTH:
        raise Invalid(f"The password is too short; use at least {MIN_LENGTH} characters.", code="weak-password")
    if len(password) > MAX_LENGTH:
        raise Invalid(f"The password is too long; use at most {MAX_LENGTH:,} characters.", code="weak-password")
    warning = _warning(password, [text for text in about if text])
    if warning is not None:
        raise Invalid(
            f"The password is easily guessed{warning}; use a longer one, or several words.", code="weak-password"
        )
    return generate_password_hash(password, METHOD)


def _warning(password: str, about: list[str]) -> str | None:
    # Only here: its word lists take a tenth of a second and several megabytes.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    found = zxcvbn(password[:_GUESSED_LENGTH], user_inputs=[*about, "promontory"])
    if found["score"] >= _EASY:
        return None
    warning = str(found["feedback"]["warning"]).rstrip(".")
    return f" ({warning[0].lower()}{warning[1:]})" if warning else ""


def is_right(stored: str | None, password: str) -> bool:
    """Tell whether a password is the stored one; takes as long where none is stored."""
    return check_password_hash(stored or _nobody(), password[:MAX_LENGTH]) and stored is not None


@cache
def _nobody() -> str:
    """Stand in for a missing user's hash, so that an unknown name takes as long as a wrong password."""
    return generate_password_hash("nobody has this password", METHOD)
