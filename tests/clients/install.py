"""Install the real npm clients by package name into an ignored folder, and run them without the user's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from tools import node

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache" / "clients"
PACKAGES = {"npm": "npm@11", "pnpm": "pnpm@10", "yarn": "yarn@1", "berry": "@yarnpkg/cli-dist@4"}
SCRIPTS = {
    "npm": "npm/bin/npm-cli.js",
    "pnpm": "pnpm/bin/pnpm.cjs",
    "yarn": "yarn/bin/yarn.js",
    "berry": "@yarnpkg/cli-dist/bin/yarn.js",
}
SECONDS = 120


def install() -> None:
    """Install the clients once; every further call is quick."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = " ".join(PACKAGES.values())
    stamp = CACHE / ".installed"
    with FileLock(CACHE / ".lock", timeout=600):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        (CACHE / "package.json").write_text('{"private": true}')
        quiet = ("--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        node.npm("install", *quiet, *PACKAGES.values(), cwd=CACHE)
        stamp.write_text(wanted)


def node_modules() -> Path:
    """Give the folder in which the clients, and the semver library that npm brings, are installed."""
    install()
    return CACHE / "node_modules"


def node_program() -> str:
    """Give the path of node."""
    found = shutil.which("node", path=node.environment()["PATH"])
    assert found is not None
    return found


def command(client: str) -> list[str]:
    """Give the command of a client: npm, pnpm, yarn (1) or berry (4)."""
    return [node_program(), str(node_modules() / SCRIPTS[client])]


@dataclass
class ClientHome:
    """Be an empty home for clients: own caches, own settings, nothing of whoever runs the tests.

    Yarn Berry needs ``npmMinimalAgeGate: 0`` for packages younger than a day and ``unsafeHttpWhitelist`` for plain
    http; Yarn 1 and Berry send a token for unscoped packages only with ``always-auth`` (``npmAlwaysAuth``).
    """

    home: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def env(self) -> dict[str, str]:
        """Give the environment."""
        home = str(self.home)
        return {
            "PATH": os.pathsep.join([str(Path(node_program()).parent), "/usr/bin", "/bin"]),
            "HOME": home,
            "USERPROFILE": home,
            "XDG_CACHE_HOME": f"{home}/.cache",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "XDG_STATE_HOME": f"{home}/.local/state",
            "npm_config_cache": f"{home}/.npm",
            "npm_config_userconfig": f"{home}/.npmrc",
            "npm_config_globalconfig": f"{home}/.npmrc-global",
            "npm_config_update_notifier": "false",
            "npm_config_fund": "false",
            "YARN_CACHE_FOLDER": f"{home}/.yarn-cache",
            "YARN_GLOBAL_FOLDER": f"{home}/.yarn-global",
            "YARN_ENABLE_TELEMETRY": "0",
            "CI": "1",
            **self.extra,
        }

    def npmrc(self, *lines: str) -> None:
        """Write the home's .npmrc."""
        (self.home / ".npmrc").write_text("\n".join(lines) + "\n")

    def run(self, client: str, *arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a client in a folder; an AssertionError shows what it said when it fails and ``check`` is set."""
        done = subprocess.run(
            [*command(client), *arguments],
            cwd=cwd,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode:
            raise AssertionError(f"{client} {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done
