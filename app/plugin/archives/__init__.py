"""The only door for bytes of an archive that a stranger made: zip, tar, gzip and JSON, within limits.

Nothing is ever unpacked to the disk; a path is refused all the same where a client that unpacks it could be harmed.
Sizes are counted while reading, never believed. What two readers could understand differently is refused: package
clients use other libraries than we do, and a file must not show them another package than it shows us. That is why
the structure is read here byte by byte, and not by ``zipfile`` and ``tarfile``, which forgive too much. Every refusal
is an InvalidPackage that names the entry and the limit.
"""

from app.plugin.archives.documents import safe_json
from app.plugin.archives.gzips import gunzip
from app.plugin.archives.limits import CHUNK, MAX_PATH, Limits, check_path
from app.plugin.archives.listing import file_tree, get_entry, read_entry
from app.plugin.archives.tars import TarEntry, TarFile, iter_tar, iter_tgz, strip_first
from app.plugin.archives.zips import ZipArchive, ZipEntry, open_zip

__all__ = [
    "CHUNK",
    "MAX_PATH",
    "Limits",
    "TarEntry",
    "TarFile",
    "ZipArchive",
    "ZipEntry",
    "check_path",
    "file_tree",
    "get_entry",
    "gunzip",
    "iter_tar",
    "iter_tgz",
    "open_zip",
    "read_entry",
    "safe_json",
    "strip_first",
]
