"""Keep secrets that have to be read again encrypted, with a key that the database does not hold."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from app.domain.errors import Conflict, Invalid
from app.settings import Settings

KEY_FILE = "secret.key"


def seal(settings: Settings, secret: str) -> str:
    """Encrypt a secret for the database; an empty one stays empty."""
    return _box(settings).encrypt(secret.encode()).decode() if secret else ""


def unseal(settings: Settings, sealed: str) -> str:
    """Give a secret back; raise Conflict where it was sealed with a key that is not here."""
    if not sealed:
        return ""
    try:
        return _box(settings).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Conflict(
            f"The secret was encrypted with another key than {KEY_FILE} in the data directory holds (or the setting "
            "secret_key says); bring that key back, or type the secret in again.",
            code="other-secret-key",
        ) from None


def _box(settings: Settings) -> Fernet:
    return _fernet(settings.secret_key or _kept_key(settings.data / KEY_FILE))


@lru_cache(maxsize=16)
def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise Invalid(
            "The setting secret_key is no key; make one with 'promontory config new-key'.", code="invalid-secret-key"
        ) from None


def new_key() -> str:
    """Make a key: 32 random bytes in URL-safe base64."""
    return Fernet.generate_key().decode()


def _kept_key(path: Path) -> str:
    """Give the key of the data directory, made at its first use and readable for its owner only."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    own = path.with_name(f"{KEY_FILE}.{os.getpid()}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(new_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(own, path)  # Unlike a rename this fails where somebody else was quicker.
    except FileExistsError:
        pass
    finally:
        own.unlink()
    return path.read_text().strip()
