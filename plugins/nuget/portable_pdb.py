"""Portable PDBs: the signature by which a debugger asks for one.

Follows ECMA-335 II.24.2 (metadata root and streams) and the Portable PDB format's ``#Pdb`` stream; the key is that of
the SSQP conventions.
"""

from __future__ import annotations

import re
import struct
import uuid

from app.plugin import InvalidPackage

HEAD = 1 << 20
"""Bytes of a file's beginning in which its streams are declared, and the first of them begins."""
_ROOT = struct.Struct("<4s2H2L")
_MAGIC, _WINDOWS = b"BSJB", b"Microsoft C/C++ MSF"
_MAX_STREAMS = 64
_SIGNATURE = re.compile(r"(?P<guid>[0-9a-f]{32})(?P<age>[0-9a-f]{1,8})", re.IGNORECASE)


def signature(head: bytes, path: str) -> str:
    """Give the GUID of a portable PDB, as 32 small hexadecimal digits, from the beginning of its file.

    Raises InvalidPackage for a Windows PDB and for what is none.
    """
    if head.startswith(_WINDOWS):
        raise InvalidPackage(f"{path!r} is a Windows PDB; build with DebugType portable, and pack again.")
    try:
        offset = _stream_offset(head, "#Pdb")
    except (struct.error, ValueError):
        offset = None
    if offset is None or len(head) < offset + 20:
        raise InvalidPackage(f"{path!r} is no portable PDB; build with DebugType portable, and pack again.")
    return uuid.UUID(bytes_le=head[offset : offset + 16]).hex


def _stream_offset(head: bytes, wanted: str) -> int | None:
    magic, _major, _minor, _reserved, length = _ROOT.unpack_from(head)
    if magic != _MAGIC:
        return None
    at = _ROOT.size + length
    _flags, count = struct.unpack_from("<2H", head, at)
    at += 4
    for _ in range(min(count, _MAX_STREAMS)):
        offset, size = struct.unpack_from("<2L", head, at)
        end = head.index(b"\0", at + 8)
        if head[at + 8 : end] == wanted.encode() and size >= 20:
            return int(offset)
        # Names end with a zero and fill whole words.
        at = end + 4 - (end - at) % 4
    return None


def handle(file_name: str, signature: str) -> str:
    """Give the name under which a feed finds a PDB: its file's name and its GUID, in small letters."""
    return f"{file_name.lower()}/{signature}"


def asked_for(file_name: str, key: str) -> str | None:
    """Give the handle for what a debugger asks: a file's name, and a GUID that an age follows, which does not count."""
    match = _SIGNATURE.fullmatch(key)
    return handle(file_name, match["guid"].lower()) if match else None
