"""Making gems: what the kit, and tests of this plugin, read and publish."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence

Need = tuple[str, str, str]
"""A dependency: name, requirement (``>= 1, < 2``), and ``runtime`` or ``development``."""
_ANY = ">= 0"


def requirement_yaml(requirement: str, indent: str) -> str:
    """Give a requirement as gemspecs hold it, below a key that is indented by ``indent``."""
    lines = [f"!ruby/object:Gem::Requirement\n{indent}  requirements:\n"]
    for part in requirement.split(","):
        operator, version = part.split()
        lines.append(f"{indent}  - - {json.dumps(operator)}\n{indent}    - !ruby/object:Gem::Version\n")
        lines.append(f"{indent}      version: '{version}'\n")
    return "".join(lines)


def _need_yaml(need: Need) -> str:
    name, requirement, group = need
    return (
        f"- !ruby/object:Gem::Dependency\n  name: {json.dumps(name)}\n"
        f"  requirement: {requirement_yaml(requirement, '  ')}  type: :{group}\n  prerelease: false\n"
        f"  version_requirements: {requirement_yaml(requirement, '  ')}"
    )


def gemspec_yaml(
    name: str,
    version: str,
    *,
    platform: str = "ruby",
    needs: Sequence[Need] = (),
    ruby: str = _ANY,
    rubygems: str = _ANY,
    more: str = "",
) -> str:
    """Give a gemspec as ``gem build`` writes it; ``more`` are further lines."""
    dependencies = "\n" + "".join(map(_need_yaml, needs)) if needs else " []\n"
    return (
        f"--- !ruby/object:Gem::Specification\nname: {json.dumps(name)}\n"
        f"version: !ruby/object:Gem::Version\n  version: '{version}'\nplatform: {platform}\n"
        "authors:\n- Ada Lovelace\nautorequire:\nbindir: bin\ncert_chain: []\ndate: 2026-01-02 00:00:00.000000000 Z\n"
        f"dependencies:{dependencies}description: Sample {name}\nemail:\n- ada@example.org\nexecutables: []\n"
        "extensions: []\nextra_rdoc_files: []\nfiles:\n- README.md\nhomepage: https://example.org/\n"
        "licenses:\n- MIT\nmetadata:\n  source_code_uri: https://example.org/source\npost_install_message:\n"
        f"require_paths:\n- lib\nrequired_ruby_version: {requirement_yaml(ruby, '')}"
        f"required_rubygems_version: {requirement_yaml(rubygems, '')}requirements: []\nrubygems_version: 3.5.11\n"
        f"signing_key:\nspecification_version: 4\nsummary: Sample {name}\ntest_files: []\n{more}"
    )


def make_tar(files: Mapping[str, bytes]) -> bytes:
    """Pack files into a tar, without dates."""
    return pack((tarfile.TarInfo(path), content) for path, content in files.items())


def pack(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Pack tar entries, each a TarInfo and its content."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def squeeze(data: bytes | str) -> bytes:
    """Gzip, always to the same bytes."""
    return gzip.compress(data.encode() if isinstance(data, str) else data, 6, mtime=0)


def checksums_yaml(members: Mapping[str, bytes]) -> str:
    """Give the checksums of a gem's parts as ``gem build`` writes them."""
    lines = ["---\n"]
    for algorithm in ("SHA256", "SHA512"):
        lines.append(f"{algorithm}:\n")
        for path, content in members.items():
            lines.append(f"  {path}: {hashlib.new(algorithm.lower(), content).hexdigest()}\n")
    return "".join(lines)


def make_gem(gemspec: str | bytes, files: Mapping[str, bytes] | bytes, checksums: str | None = None) -> bytes:
    """Make a gem of a gemspec and files, or of their gzipped tar; ``checksums`` are the right ones unless given."""
    data = files if isinstance(files, bytes) else squeeze(make_tar(files))
    members = {"metadata.gz": squeeze(gemspec), "data.tar.gz": data}
    declared = checksums_yaml(members) if checksums is None else checksums
    return make_tar({**members, "checksums.yaml.gz": squeeze(declared)})
