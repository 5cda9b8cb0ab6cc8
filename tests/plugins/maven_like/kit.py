"""Sample data of the Maven-like format."""

import io
import zipfile

from app.plugin import FormatKit, Request, Sample, SpecKind

PROPERTIES = "META-INF/maven/pom.properties"
ORDER = (
    *("0.1-SNAPSHOT", "0.1", "0.2", "0.9", "0.10", "1-SNAPSHOT", "1", "1.0.0.1", "1.0.1", "1.1"),
    *("1.2-SNAPSHOT", "1.2", "1.9", "1.10", "2", "10"),
)


def jar(text: str, path: str = PROPERTIES) -> bytes:
    """Give a jar with one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(path), text)
    return file.getvalue()


def make(name: str, version: str) -> Sample:
    """Make a jar."""
    group, artifact = name.split(":")
    content = jar(f"groupId={group}\nartifactId={artifact}\nversion={version}\n")
    return Sample(f"{artifact}-{version}.jar", content, name, version)


def _folder(name: str) -> str:
    return "/" + name.replace(".", "/").replace(":", "/")


def _at(sample: Sample) -> str:
    return f"{_folder(sample.name)}/{sample.version}/{sample.filename}"


KIT = FormatKit(
    make=make,
    names=("org.example:tool", "org.example.deep:tool-kit", "x:y"),
    bad_names=("", "tool", "org/example:tool", "Org:tool", "a:b:c", ":x", "../x:y"),
    same_names=(),
    order=ORDER,
    prereleases=("1-SNAPSHOT", "1.2-SNAPSHOT"),
    bad_versions=("", "v1", "1.", "1.0.0.0.0", "1-rc", "1-SNAPSHOT-2"),
    same_versions=(("1.0", "1.0.0"), ("1", "1.0")),
    ranges=(("1.1", "1.0", True), ("1.0", "1.1", False)),
    choices=((("1.0", "1.9", "1.10"), "1.5", "1.9"), (("1.0",), "2", None)),
    specs=(("1.0", SpecKind.RANGE), ("[1.0,2.0)", SpecKind.UNRESOLVABLE)),
    hostile={
        "no properties": jar("x", "a.txt"),
        "no version": jar("groupId=org.example\nartifactId=tool\n"),
        "path as artifact": jar("groupId=org.example\nartifactId=../x\nversion=1\n"),
        "junk behind": make("x:y", "1").content + b"junk",
    },
    publish=lambda sample: Request("PUT", _at(sample), body=sample.content),
    listing=lambda name: Request("GET", f"{_folder(name)}/maven-metadata.xml"),
    download=lambda sample: Request("GET", _at(sample)),
    shows=lambda body, version: f"<version>{version}</version>".encode() in body,
)
