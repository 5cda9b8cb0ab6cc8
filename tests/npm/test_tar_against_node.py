"""npm's own reader must find in a tarball what we find in it: a file that looks innocent here could harm there."""

from __future__ import annotations

import base64
import gzip
import io
import random
from pathlib import Path

from app.plugin import InvalidPackage
from app.plugin.archives import iter_tgz
from app.testing.hostile import file_member, make_tgz, patched, pax
from tests.npm.node import ask_node

LIST_WITH_NODE = """
const tar = require(process.argv[1] + '/tar');
const list = (text) => {
  const found = {};
  const reader = new tar.Parser({ onReadEntry: (entry) => {
    const path = entry.path.split('/').slice(1).join('/');
    if (/File$/.test(entry.type) && path) found[path] = entry.size;
    entry.resume();
  } });
  reader.end(Buffer.from(text, 'base64'));
  return found;
};
const files = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const wait = (text) => new Promise((done) => { const found = list(text); setTimeout(() => done(found), 0); });
Promise.all(files.map(wait)).then((all) => console.log(JSON.stringify(all)));
"""
FIELDS = (0, 50, 99, 100, 107, 108, 116, 124, 130, 135, 136, 148, 155, 156, 157, 200, 257, 263, 265, 329, 345, 475, 499)
BYTES = (0, 10, 32, 48, 49, 53, 55, 65, 128, 255)
LONG = "package/" + "l/" * 70 + "f"
TAR = gzip.decompress(
    make_tgz(
        file_member("package/package.json", b'{"name":"a","version":"1.0.0"}'),
        pax({"path": "package/" + "x" * 120, "size": "3"}),
        file_member("short", b"abc"),
        file_member(LONG, b"q"),
        file_member("package/holds a header", file_member("package/hidden")),
    )
)


def files_of(data: bytes) -> dict[str, int]:
    return {packed.entry.path: packed.entry.size for packed in iter_tgz(io.BytesIO(data), strip=True)}


def damaged(dice: random.Random) -> bytes:
    """Change a few bytes, headers above all, and mostly make their checksums right again."""
    data = bytearray(TAR)
    for _ in range(dice.randint(1, 3)):
        block = dice.randrange(len(data) // 512) * 512
        at = block + (dice.choice(FIELDS) if dice.random() < 0.7 else dice.randrange(512))
        data[at] = dice.choice(BYTES) if dice.random() < 0.8 else dice.randrange(256)
        if dice.random() < 0.8 and data[block + 257 : block + 262] == b"ustar":
            data[block : block + 512] = patched(bytes(data[block : block + 512]), 0, b"")
    return gzip.compress(bytes(data), 1)


def test_npm_finds_the_same_files_in_whatever_is_accepted(samples: Path) -> None:
    dice = random.Random(20261123)
    accepted: list[tuple[bytes, dict[str, int]]] = []
    for data in (
        *(path.read_bytes() for path in (samples / "npm").glob("*.tgz")),
        *(damaged(dice) for _ in range(6000)),
    ):
        try:
            accepted.append((data, files_of(data)))
        except InvalidPackage:
            continue
    theirs = ask_node(LIST_WITH_NODE, [base64.b64encode(data).decode() for data, _ in accepted])
    wrong = [(ours, node) for (_, ours), node in zip(accepted, theirs, strict=True) if ours != node]
    assert len(accepted) > 1000, "the cases prove little"
    assert not wrong, f"{len(wrong)} of {len(accepted)} differ"
