"""One face for four clients: npm, pnpm, Yarn 1 and Yarn Berry, each pointed at a feed from an empty home."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from urllib.parse import urlsplit

from tests.clients.install import SECONDS, ClientHome, command

CLIENTS = ("npm", "pnpm", "yarn", "berry")

LOCALHOST = """\
// Resolves every name below localhost to this machine, as browsers and systemd-resolved do (RFC 6761).
const dns = require('node:dns')
const here = name => typeof name === 'string' && name.endsWith('.localhost') ? '127.0.0.1' : name
const {lookup, promises} = dns, promised = promises.lookup
dns.lookup = (name, ...rest) => lookup(here(name), ...rest)
promises.lookup = (name, ...rest) => promised(here(name), ...rest)
"""

COMMANDS = {
    "npm": {
        "publish": "publish",
        "view": "view {} --json",
        "add": "install {}",
        "tag add": "dist-tag add {} {}",
        "tag ls": "dist-tag ls {}",
        "tag rm": "dist-tag rm {} {}",
        "whoami": "whoami",
        "audit": "audit",
        "reinstall": "ci",
    },
    "pnpm": {
        "publish": "publish --no-git-checks",
        "view": "view {} --json",
        "add": "add {}",
        "tag add": "dist-tag add {} {}",
        "tag ls": "dist-tag ls {}",
        "tag rm": "dist-tag rm {} {}",
        "whoami": "whoami",
        "audit": "audit",
        "reinstall": "install --frozen-lockfile",
    },
    "yarn": {
        "publish": "publish --non-interactive --no-git-tag-version --new-version {version}",
        "view": "info {} --json",
        "add": "add {}",
        "tag add": "tag add {} {}",
        "tag ls": "tag list {}",
        "tag rm": "tag remove {} {}",
        "reinstall": "install --frozen-lockfile",
    },
    "berry": {
        "publish": "npm publish",
        "view": "npm info {} --json",
        "add": "add {}",
        "tag add": "npm tag add {} {}",
        "tag ls": "npm tag list {}",
        "tag rm": "npm tag remove {} {}",
        "whoami": "npm whoami",
        "audit": "npm audit",
        "reinstall": "install --immutable",
    },
}
"""What each client calls the same thing; ``{}`` are the arguments."""


@dataclass
class Client:
    """Run one client with a home of its own; projects are folders below ``home``."""

    name: str
    home: Path
    url: str
    token: str = ""
    here: Path = field(init=False)
    _home: ClientHome = field(init=False)

    def __post_init__(self) -> None:
        resolver = self.home / "localhost.cjs"
        self._home = ClientHome(self.home)
        resolver.write_text(LOCALHOST)
        self._home.extra.update(
            NODE_OPTIONS=f"--require {resolver}",
            YARN_ENABLE_IMMUTABLE_INSTALLS="0",
            NO_COLOR="1",
        )
        if self.name == "pnpm":
            self._home.extra["npm_config_store_dir"] = str(self.home / "store")
        self.point_at(self.url)
        self.here = self.project("here")

    def point_at(self, url: str) -> None:
        """Use a feed from now on, with the caches that there are."""
        self.url = url
        where = url.partition("://")[2]
        lines = [f"registry={url}/"]
        if self.name == "yarn":
            lines.append("always-auth=true")
        if self.token:
            lines.append(f"//{where}/:_authToken={self.token}")
        self._home.npmrc(*lines)
        (self.home / ".yarnrc.yml").write_text(
            f'npmRegistryServer: "{url}"\nnpmAlwaysAuth: {"true" if self.token else "false"}\n'
            f'unsafeHttpWhitelist: ["{urlsplit(url).hostname}"]\nnpmMinimalAgeGate: 0\n'
            "nodeLinker: node-modules\nenableGlobalCache: true\n"
            + (f'npmAuthToken: "{self.token}"\n' if self.token else "")
        )

    def project(self, folder_name: str, **package: object) -> Path:
        """Make a folder with a package.json."""
        folder = self.home / folder_name.replace("/", "_")
        folder.mkdir()
        # Berry looks for a project's root above, unless it finds its lock file.
        (folder / "yarn.lock").touch()
        content = {"name": "project", "version": "0.0.0", "license": "MIT", **package}
        (folder / "package.json").write_text(json.dumps(content))
        return folder

    def package(self, name: str, version: str, **package: object) -> Path:
        """Make a folder with a package to publish."""
        folder = self.project(f"{name}@{version}", name=name, version=version, **package)
        (folder / "index.js").write_text(f"module.exports = {json.dumps(f'{name}@{version}')}\n")
        (folder / "README.md").write_text(f"# {name}\n")
        return folder

    def __call__(
        self, what: str, *arguments: str, cwd: Path | None = None, check: bool = True, **named: str
    ) -> subprocess.CompletedProcess[str]:
        """Do something by the client's own command."""
        words = COMMANDS[self.name][what].format(*arguments, **named).split()
        return self.run(*words, cwd=cwd, check=check)

    def run(self, *words: str, cwd: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as it stands."""
        return self._home.run(self.name, *words, cwd=cwd or self.here, check=check)

    def log_in(self, user_name: str, password: str) -> str:
        """Log in as a person types it; give what the client wrote into its settings."""
        if self.name == "berry":
            self._home.extra.update(
                YARN_IS_TEST_ENV="1", YARN_INJECT_NPM_USER=user_name, YARN_INJECT_NPM_PASSWORD=password
            )
            self.run("npm", "login")
            return (self.home / ".yarnrc.yml").read_text()
        _converse([*command(self.name), "login"], self._home.env, {"Username:": user_name, "Password:": password})
        return (self.home / ".npmrc").read_text()


def _converse(words: list[str], env: dict[str, str], answers: dict[str, str]) -> None:
    """Run a command that asks, giving each answer when its question has come."""
    with subprocess.Popen(
        words,
        cwd=env["HOME"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        watch = Timer(SECONDS, process.kill)
        watch.start()
        assert process.stdin is not None
        assert process.stdout is not None
        said = ""
        for question, answer in answers.items():
            while not said.rstrip().endswith(question) and (letter := process.stdout.read(1)):
                said += letter
            process.stdin.write(f"{answer}\n")
            process.stdin.flush()
        said += process.stdout.read()
        watch.cancel()
    assert process.returncode == 0, said


def installed(project: Path, name: str) -> str | None:
    """Give the version of a package that a project has installed, or None."""
    path = project / "node_modules" / name / "package.json"
    version: str | None = json.loads(path.read_text())["version"] if path.exists() else None
    return version
