"""Archives that lie: made byte by byte, so that tests of any format can say what must be refused.

``hostile_zips`` and ``hostile_tgzs`` take the files of an acceptable package and give variants of it, each broken in
one way only. A format adds them to its kit's ``hostile``.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from tarfile import BLOCKSIZE, DIRTYPE, GNU_FORMAT, REGTYPE, TarInfo

BOMB = 30_000_000
"""Unpacked bytes of a bomb: more than twice the size from which the ratio counts."""
BAD_PATHS = {
    "climbs": "a/../../b",
    "climbs at once": "../b",
    "is absolute": "/etc/b",
    "has a drive": "C:/b",
    "has a backslash": "a\\b",
    "has a zero": "a/b\0.txt",
    "has a line break": "a/b\nc",
    "has an empty part": "a//b",
    "stays in place": "a/./b",
    "ends in a dot": "a/b.",
    "ends in a space": "a/b ",
    "is a device": "a/CON",
    "is a device with an ending": "a/nul.txt",
    "is not normal": "a/e\u0301",
    "is too long": "a/" + "b" * 300,
}


# Zip --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    """Hold one entry of a zip to make; what is None is told truly, everything else is written as it is given."""

    path: bytes
    content: bytes = b""
    method: int = 8
    flags: int = 0
    packed: bytes | None = None
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    attributes: int = 0
    extra: bytes = b""
    local_path: bytes | None = None
    local_size: int | None = None
    offset: int | None = None
    before: bytes = b""
    listed: bool = True


def make_zip(
    members: Iterable[Member], *, end: bytes = b"", count: int | None = None, shift: int = 0, comment: bytes = b""
) -> bytes:
    """Write a zip; ``end`` stands before the end record, ``count`` and ``shift`` make it lie."""
    body, directory, listed = bytearray(), bytearray(), 0
    for member in members:
        body += member.before
        offset = len(body) if member.offset is None else member.offset
        packed = _pack(member)
        truth = len(member.content), len(packed), zlib.crc32(member.content)
        given = member.size, member.packed_size, member.crc
        size, packed_size, crc = (true if lie is None else lie for true, lie in zip(truth, given, strict=True))
        local = member.path if member.local_path is None else member.local_path
        local_size = size if member.local_size is None else member.local_size
        kind = (20, member.flags, member.method, 0, 0x21, crc, packed_size)
        if member.offset is None:
            body += b"PK\3\4" + struct.pack("<5H3L2H", *kind, local_size, len(local), 0) + local + packed
        if member.listed:
            listed += 1
            lengths = (len(member.path), len(member.extra), 0)
            directory += b"PK\1\2" + struct.pack("<H5H3L3H", 20, *kind, size, *lengths)
            directory += struct.pack("<2H2L", 0, 0, member.attributes, offset) + member.path + member.extra
    number = listed if count is None else count
    record = struct.pack("<4H2LH", 0, 0, number, number, len(directory), len(body) + shift, len(comment))
    return bytes(body + directory + end) + b"PK\5\6" + record + comment


def _pack(member: Member) -> bytes:
    if member.packed is not None:
        return member.packed
    if member.method != 8:
        return member.content
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(member.content) + packer.flush()


def hostile_zips(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give broken variants of a zip that would be acceptable with just these files."""
    good = [Member(path.encode(), content) for path, content in files.items()]
    whole, first = make_zip(good), good[0]
    other = Member(b"other.txt", b"other" * 100)
    zeros = Member(b"zeros", bytes(BOMB))
    found = {f"zip: a path that {what}": make_zip([*good, Member(path.encode())]) for what, path in BAD_PATHS.items()}
    variants: dict[str, Sequence[Member]] = {
        "a bomb": [*good, zeros],
        "a bomb in parts": [*good, *(Member(b"zeros%d" % n, bytes(9_000_000)) for n in range(12))],
        "a size above every limit": [*good, replace(other, size=0xFFFFFFF0, local_size=0xFFFFFFF0)],
        "one path twice": [*good, first],
        "one path in two cases": [*good, replace(first, path=first.path.upper())],
        "a file below a file": [*good, Member(first.path + b"/below")],
        "an encrypted entry": [*good, replace(other, flags=1)],
        "an unknown method": [*good, replace(other, method=12)],
        "a link": [*good, Member(b"link", b"/etc/passwd", attributes=0o120777 << 16)],
        "a device": [*good, Member(b"device", attributes=0o020666 << 16)],
        "a folder with content": [*good, Member(b"folder/", b"content")],
        "a path that is no UTF-8": [*good, Member(b"\xff\xfe")],
        "another path in the header": [replace(first, local_path=first.path[:-1] + b"~"), *good[1:]],
        "another size in the header": [replace(first, local_size=1), *good[1:]],
        "a second path for some readers": [
            *good,
            replace(other, extra=struct.pack("<2HBL", 0x7075, 5 + len(first.path), 1, 0) + first.path),
        ],
        "two entries on one content": [*good, Member(b"again", first.content, offset=0)],
        "entries that overlap": [*_overlapping(good)],
        "hidden bytes between entries": [*good, replace(other, before=b"hidden")],
        "an entry that the directory leaves out": [*good, replace(other, listed=False)],
        "an entry behind the directory": [*good, replace(other, offset=10_000_000)],
        "an entry without header": [*good, replace(other, offset=5)],
        "bytes before the first entry": [replace(first, before=b"GIF89a"), *good[1:]],
        "an entry before the first entry": [replace(first, before=make_zip([other])), *good[1:]],
    }
    found |= {f"zip: {what}": make_zip(members) for what, members in variants.items()}
    locator = b"PK\6\7" + bytes(16)
    found |= {
        "zip: bytes behind the end": whole + b"junk",
        "zip: cut off": whole[:-10],
        "zip: half of it": whole[: len(whole) // 2],
        "zip: two archives": whole + whole,
        "zip: an archive in the comment": make_zip(good, comment=whole),
        "zip: a directory in 64 bits": make_zip(good, end=locator),
        "zip: bytes behind the directory": make_zip(good, end=b"hidden"),
        "zip: a directory that lies elsewhere": make_zip(good, shift=-3),
        "zip: too few entries in the end record": make_zip([*good, other], count=len(good)),
        "zip: too many entries in the end record": make_zip(good, count=len(good) + 1),
    }
    return found


def lying_zips(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give zips whose first file is not what its header and the directory agree on; seen only when it is read."""
    good = [Member(path.encode(), content) for path, content in files.items()]
    first, rest = good[0], good[1:]
    longer = _pack(replace(first, content=first.content + bytes(BOMB)))
    return {
        what: make_zip([liar, *rest])
        for what, liar in {
            "zip: more than it declares": replace(first, packed=longer),
            "zip: less than it declares": replace(first, size=len(first.content) + 1),
            "zip: another checksum": replace(first, crc=zlib.crc32(first.content) ^ 1),
            "zip: bytes behind the packed content": replace(first, packed=_pack(first) + b"hidden"),
            "zip: content that is cut off": replace(first, packed=_pack(first)[:-1]),
            "zip: content that is noise": replace(first, packed=b"\xff" * 100),
        }.items()
    }


def _overlapping(good: Sequence[Member]) -> Iterable[Member]:
    """Give entries of which one holds the next within itself, header and all."""
    inner = make_zip([Member(b"inner", b"i" * 100, method=0)])
    header, length = 30, len(b"outer")
    content = inner[: inner.index(b"PK\1\2")]
    yield Member(b"outer", content, method=0)
    yield Member(b"inner", b"i" * 100, method=0, offset=header + length)
    yield from good


# Tar --------------------------------------------------------------------------------------------------


def header(path: str, size: int = 0, kind: bytes = REGTYPE, link: str = "") -> bytes:
    """Give one header of a tar, long names as extended headers before it."""
    info = TarInfo(path)
    info.type, info.size, info.linkname = kind, size, link
    return info.tobuf(GNU_FORMAT)


def padded(content: bytes) -> bytes:
    """Fill content up to whole blocks."""
    return content + bytes(-len(content) % BLOCKSIZE)


def file_member(path: str, content: bytes = b"x", kind: bytes = REGTYPE) -> bytes:
    """Give one file of a tar, header and content."""
    return header(path, len(content), kind) + padded(content)


def pax(records: Mapping[str, str] | bytes, kind: bytes = b"x") -> bytes:
    """Give a pax header; records as bytes are written as they are."""
    data = records if isinstance(records, bytes) else b"".join(_record(key, value) for key, value in records.items())
    return header("PaxHeader", len(data), kind) + padded(data)


def _record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    length = len(rest) + 1
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def patched(block: bytes, at: int, data: bytes, *, checksum: str = "right") -> bytes:
    """Change bytes of a header; its checksum becomes ``right``, or ``signed``, or stays as it is (``old``)."""
    changed = bytearray(block)
    changed[at : at + len(data)] = data
    if checksum != "old":
        changed[148:156] = b"%06o\0 " % _checksum(bytes(changed), "b" if checksum == "signed" else "B")
    return bytes(changed)


def _checksum(block: bytes, code: str = "B") -> int:
    numbers: tuple[int, ...] = struct.unpack(f"148{code}8x356{code}", block[:BLOCKSIZE])
    return sum(numbers) + 8 * ord(" ")


def make_tgz(*parts: bytes, end: bytes = bytes(2 * BLOCKSIZE)) -> bytes:
    """Gzip the parts of a tar and its end."""
    return gzip.compress(b"".join(parts) + end, 6, mtime=0)


def hostile_tgzs(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give broken variants of a gzipped tar that would be acceptable with just these files.

    The files lie in one folder, like npm's ``package/``; its first file is the one that others try to replace.
    """
    good = b"".join(file_member(path, content) for path, content in files.items())
    first = next(iter(files))
    folder = first.partition("/")[0]
    whole, swap = make_tgz(good), f"{folder}/swap"
    found = {
        f"tgz: a path that {what}": make_tgz(good, _at_path(f"{folder}/{path}" if path[0] == "a" else path))
        for what, path in BAD_PATHS.items()
    }
    block = header(f"{folder}/other", 1)
    size = slice(124, 136)
    evil = _record("path", first)
    bad: dict[str, Sequence[bytes]] = {
        "one path twice": [file_member(first, b"{}")],
        "a file below a file": [file_member(f"{first}/below")],
        "a folder where a file is": [header(f"{first}/", kind=DIRTYPE)],
        "a hard link": [header(swap, kind=b"1", link=first)],
        "a device": [header(swap, kind=b"3")],
        "a pipe": [header(swap, kind=b"6")],
        "a sparse file": [header(swap, kind=b"S")],
        "an unknown kind": [header(swap, kind=b"Z")],
        "a link upwards": [header(swap, kind=b"2", link="../../../../etc/passwd")],
        "an absolute link": [header(swap, kind=b"2", link="/etc/passwd")],
        "a link that climbs through a link": [header(swap, kind=b"2", link="d/../../x")],
        "a link to a drive": [header(swap, kind=b"2", link="C:/x")],
        "a link to nowhere": [header(swap, kind=b"2", link="")],
        "a file below a link": [header(swap, kind=b"2", link="other"), file_member(f"{swap}/x")],
        "a damaged header": [patched(block, 0, b"z", checksum="old"), padded(b"x")],
        "a signed checksum": [patched(block, len(folder) + 1, "\u00e4".encode(), checksum="signed"), padded(b"x")],
        "a size that readers read differently": [patched(block, size.start, b"0000000_1_0\0")],
        "a negative size": [patched(block, size.start, b"\xff" * 12)],
        "a target of what is no link": [patched(block, 157, b" "), padded(b"x")],
        "no name": [patched(block, 0, bytes(100)), padded(b"x")],
        "an extended header without a name": [
            patched(pax({"path": f"{folder}/a"}), 0, bytes(100)),
            block,
            padded(b"x"),
        ],
        "a number that not every reader holds": [patched(block, 108, b"\x80" + b"\xff" * 7), padded(b"x")],
        "a checksum without an end": [patched(block, 148, b"%08o" % _checksum(block), checksum="old"), padded(b"x")],
        "a line break behind a name": [patched(block, 60, b"\nx"), padded(b"x")],
        "another line break behind a name": [patched(block, 99, b"\r"), padded(b"x")],
        "a prefix without its mark": [patched(block, 345, b"hidden"), padded(b"x")],
        "two sizes": [pax({"size": "600"}), block, padded(b"x"), bytes(BLOCKSIZE)],
        "a file with a folder's name": [pax({"path": f"{folder}/x/"}), block, padded(b"x")],
        "two names": [pax({"path": f"{folder}/a"}), pax({"path": f"{folder}/b"}), block, padded(b"x")],
        "names of two kinds": [pax({"path": f"{folder}/a"}), header("L", 2, b"L"), padded(b"b\0"), block, padded(b"x")],
        "a name for all files": [pax({"path": f"{folder}/a"}, b"g"), block, padded(b"x")],
        "a sparse file's map": [pax({"GNU.sparse.major": "1"}), block, padded(b"x")],
        "a record that hides a record": [pax({"comment": f"x\n{evil.decode()}"}), block, padded(b"x")],
        "a record behind noise": [pax(b"noise\n" + evil), block, padded(b"x")],
        "a record that is too long": [pax(b"99 path=x\n"), block, padded(b"x")],
        "a record that is too short": [pax(b"3 path=x\n"), block, padded(b"x")],
        "a huge extended header": [pax(b"9" * 200_000), block, padded(b"x")],
        "an extended header at the end": [pax({"path": f"{folder}/a"})],
        "a bomb": [file_member(f"{folder}/zeros", bytes(BOMB))],
    }
    found |= {f"tgz: {what}": make_tgz(good, *parts) for what, parts in bad.items()}
    found |= {
        "tgz: two folders with one file": make_tgz(good, file_member("zzz/" + first.partition("/")[2], b"{}")),
        "tgz: entries behind the end": make_tgz(good, bytes(BLOCKSIZE), file_member(first, b"{}")),
        "tgz: bytes behind the end": make_tgz(good, end=bytes(2 * BLOCKSIZE) + b"hidden"),
        "tgz: a tar that is cut off": make_tgz(good, block, end=b""),
        "tgz: a header that is cut off": make_tgz(good, block[:100], end=b""),
        "tgz: bytes behind the gzip member": whole + b"junk",
        "tgz: two gzip members": whole + make_tgz(file_member(first, b"{}")),
        "tgz: cut off": whole[:-1],
        "tgz: half of it": whole[: len(whole) // 2],
        "tgz: damaged": whole[:-8] + bytes(8),
        "tgz: not gzipped": good + bytes(2 * BLOCKSIZE),
        "tgz: gzipped twice": gzip.compress(whole),
    }
    return found


def _at_path(path: str) -> bytes:
    """Give a file at a path that only an extended header can hold."""
    return pax({"path": path}) + header("x", 1) + padded(b"x")
