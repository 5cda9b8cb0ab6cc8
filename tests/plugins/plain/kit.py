"""Sample data of the plain format."""

from app.plugin import FormatKit, Request, Sample, SpecKind


def make(name: str, version: str) -> Sample:
    """Make a plain package."""
    return Sample(f"{name}-{version}.txt", f"plain {name} {version}\nHello.\n".encode(), name, version)


KIT = FormatKit(
    make=make,
    names=("hello", "hello-world", "x"),
    bad_names=("", "Hello", "../x", "x/y", "-x", "x" * 51),
    same_names=(),
    order=("0-pre", "0", "0.0.1", "0.1", "0.9", "0.10", "1-pre", "1", "1.0.0.1", "1.2", "1.9", "1.10", "2", "10", "99"),
    prereleases=("0-pre", "1-pre", "1.0.0-pre"),
    bad_versions=("", "1.", "v1", "1.0.0.0.0", "1-rc", "\uff11"),
    same_versions=(("1.0", "1.0.0"), ("2.01", "2.1.0.0")),
    ranges=(("1.0", "1.0", True), ("1.0", "1.1", False), ("1.0", "*", True)),
    choices=((("1.9", "1.10"), "*", "1.10"), (("1.9", "1.10"), "2", None)),
    specs=(("1.0", SpecKind.RANGE), ("*", SpecKind.RANGE), ("newest", SpecKind.UNRESOLVABLE)),
    hostile={
        "no header": b"hello 1.0\n",
        "name of a path": b"plain ../x 1.0\n",
        "endless line": b"plain " + b"a" * 100_000,
        "no version": b"plain hello \n",
    },
    publish=lambda sample: Request("PUT", f"/{sample.name}", body=sample.content),
    listing=lambda name: Request("GET", f"/{name}"),
    download=lambda sample: Request("GET", f"/{sample.name}/{sample.version}"),
    shows=lambda body, version: version.encode() in body.split(b"\n"),
)
