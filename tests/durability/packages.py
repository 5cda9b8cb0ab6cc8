"""Universal packages made of random bytes."""

from __future__ import annotations

import io
import json
import random
import zipfile


def package(name: str, version: str, size: int, rng: random.Random) -> bytes:
    """Make a package of about a size."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as pack:
        pack.writestr("upack.json", json.dumps({"name": name, "version": version}))
        pack.writestr("package/data.bin", rng.randbytes(size))
    return buffer.getvalue()
