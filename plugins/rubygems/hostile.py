"""Gems that must be refused, for the kit."""

from __future__ import annotations

import tarfile

from .packing import gemspec_yaml, make_gem, make_tar, pack, squeeze

_GOOD = gemspec_yaml("left", "1.0.0")
_FILES = {"README.md": b"# left\n"}
_BOMB = 30_000_000


def hostile_gems() -> dict[str, bytes]:
    """Give broken gems by what is wrong with them."""
    return {**_gemspecs(), **_yaml(), **_archives()}


def _gemspecs() -> dict[str, bytes]:
    """Give gems whose gemspec is YAML that says something impossible."""
    wrong = {
        "no gemspec": "--- {}\n",
        "a gemspec that is a list": "--- []\n",
        "a gemspec that is text": "--- left\n",
        "an empty gemspec": "",
        "no name": _GOOD.replace('name: "left"\n', "", 1),
        "a name that is a list": _GOOD.replace('name: "left"', "name: [left]", 1),
        "a name that climbs": gemspec_yaml("../left", "1.0.0"),
        "a name of digits": gemspec_yaml("123", "1.0.0"),
        "a name of another script": gemspec_yaml("l\u0435ft", "1.0.0"),
        "a version that is no Gem::Version": _GOOD.replace(
            "version: !ruby/object:Gem::Version\n  version: '1.0.0'", "version: '1.0.0'", 1
        ),
        "a version that is none": gemspec_yaml("left", "latest"),
        "a version that climbs": gemspec_yaml("left", "1.0.0/../x"),
        "no version text": gemspec_yaml("left", ""),
        "a version without end": gemspec_yaml("left", "1." * 200 + "1"),
        "a platform that climbs": gemspec_yaml("left", "1.0.0", platform="../java"),
        "a platform of two lines": gemspec_yaml("left", "1.0.0", platform='"java\\nx"'),
        "dependencies that are a mapping": _GOOD.replace("dependencies: []", "dependencies: {}"),
        "a dependency that is text": _GOOD.replace("dependencies: []", "dependencies: [right]"),
        "a dependency with a bad name": gemspec_yaml("left", "1.0.0", needs=[("a,b:c|d", ">= 0", "runtime")]),
        "a requirement that is none": gemspec_yaml("left", "1.0.0", needs=[("right", ">> 1", "runtime")]),
        "a requirement that breaks a line": gemspec_yaml("left", "1.0.0", ruby='>= "1\\n2"')
        .replace("'\"", '"')
        .replace("\"'", '"'),
    }
    return {what: make_gem(text, _FILES) for what, text in wrong.items()}


def _yaml() -> dict[str, bytes]:
    """Give gems whose YAML would harm who composes or constructs it."""
    doubled = "\n".join(f"a{n}: &a{n}\n  <<: *a{n - 1}\n  k{n}: 1" for n in range(1, 9))
    wrong = {
        "nested lists": f"{_GOOD}x: {'[' * 100_000}\n",
        "nested mappings": f"{_GOOD}x: {'{a: ' * 100_000}\n",
        "merged mappings": f"{_GOOD}a0: &a0\n  k: 1\n{doubled}\n",
        "an alias of itself": f"{_GOOD}x: &x [*x]\n",
        "an alias of nothing": f"{_GOOD}x: *nothing\n",
        "too many aliases": f"{_GOOD}x: &x 1\ny: [{', '.join(['*x'] * 6_000)}]\n",
        "too many values": f"{_GOOD}x: [{'1,' * 600_000}]\n",
        "one key twice": f"{_GOOD}name: right\n",
        "a key that is a list": f"{_GOOD}[a, b]: c\n",
        "two documents": f"{_GOOD}{_GOOD}",
        "a class that runs code": f"{_GOOD}x: !ruby/object:Gem::Installer\n  i: x\n",
        "a class as text": f"{_GOOD}x: !ruby/class String\n",
        "a pattern": f"{_GOOD}x: !ruby/regexp /(a+)+$/\n",
        "a hash that makes objects": f"{_GOOD}x: !ruby/hash:Gem::Installer {{}}\n",
        "an object of Python": f"{_GOOD}x: !!python/object/apply:os.system [id]\n",
        "binary text that is none": f"{_GOOD}x: !binary '***'\n",
        "control characters": f"{_GOOD}x: \x01\n",
        "an unclosed text": f'{_GOOD}x: "\n',
    }
    gems = {f"YAML with {what}": make_gem(text, _FILES) for what, text in wrong.items()}
    gems["YAML that is no UTF-8"] = make_gem(_GOOD.encode() + b"x: \xff\n", _FILES)
    gems["YAML that unpacks to too much"] = make_gem(_GOOD + "#" * _BOMB, _FILES)
    return gems


def _archives() -> dict[str, bytes]:
    """Give gems whose archives are broken."""
    good = make_gem(_GOOD, _FILES)
    metadata, data = squeeze(_GOOD), squeeze(make_tar(_FILES))
    return {
        "no metadata": make_tar({"data.tar.gz": data}),
        "no data": make_tar({"metadata.gz": metadata}),
        "metadata that is not gzipped": make_tar({"metadata.gz": _GOOD.encode(), "data.tar.gz": data}),
        "data that is not gzipped": make_tar({"metadata.gz": metadata, "data.tar.gz": make_tar(_FILES)}),
        "data of two gzip members": make_gem(_GOOD, data + data),
        "metadata twice": pack([*_members(metadata, data), *_members(metadata, b"")[:1]]),
        "data twice": pack([*_members(metadata, data), *_members(b"", data)[1:]]),
        "a gem in a gzip": squeeze(good),
        "metadata in a folder": make_tar({"x/metadata.gz": metadata, "data.tar.gz": data}),
        "a wrong checksum": make_gem(_GOOD, _FILES, f"---\nSHA256:\n  metadata.gz: {'0' * 64}\n"),
        "another wrong checksum": make_gem(_GOOD, _FILES, f"---\nSHA512:\n  data.tar.gz: {'0' * 128}\n"),
        "a checksum that is a list": make_gem(_GOOD, _FILES, "---\nSHA256:\n  data.tar.gz: []\n"),
        "checksums that are no YAML": make_gem(_GOOD, _FILES, "---\n- [\n"),
        "a path that climbs": make_gem(_GOOD, {**_FILES, "../../x": b"1"}),
        "an absolute path": make_gem(_GOOD, {**_FILES, "/etc/x": b"1"}),
        "one path twice": make_gem(_GOOD, squeeze(pack((tarfile.TarInfo("x"), b"1") for _ in range(2)))),
        "a hard link": make_gem(_GOOD, _linked(tarfile.LNKTYPE, "README.md")),
        "a link that climbs": make_gem(_GOOD, _linked(tarfile.SYMTYPE, "../../etc/passwd")),
        "a device": make_gem(_GOOD, _linked(tarfile.CHRTYPE, "")),
        "a bomb": make_gem(_GOOD, {"zeros": bytes(_BOMB)}),
        "bytes behind the end": good + b"more",
        "two gems": good + good,
        "cut in the middle": good[:1_500],
    }


def _members(metadata: bytes, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(tarfile.TarInfo("metadata.gz"), metadata), (tarfile.TarInfo("data.tar.gz"), data)]


def _linked(kind: bytes, target: str) -> bytes:
    odd = tarfile.TarInfo("x")
    odd.type, odd.linkname = kind, target
    return squeeze(pack([(tarfile.TarInfo("README.md"), b"1"), (odd, b"")]))
