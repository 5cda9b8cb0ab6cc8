"""A PostgreSQL of the tests' own: started by hand from Debian's binaries, fast and thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg

_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


class Cluster:
    """Run a throw-away cluster; every database is a copy of one that is already migrated."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            raise FileNotFoundError("PostgreSQL's programs are missing; install Debian's package postgresql")
        self._bin = found[-1]
        # Not below a private temporary folder: initdb runs as another account when we are root.
        self._home = Path(tempfile.mkdtemp(prefix="promontory-pg-", dir="/tmp"))
        self._port = _free_port()
        self._numbers = count(1)
        self._template = ""

    def start(self) -> None:
        """Make the cluster and start it; about a second."""
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._home, account.pw_uid, account.pw_gid)
        data = self._home / "data"
        self._run(f"initdb -D {data} -U app -A trust --no-sync -E UTF8 --locale=C.UTF-8")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -k {self._home} {_FAST}"
        self._run(f'pg_ctl -D {data} -w -t 60 -l {self._home / "log"} -o "{options}" start')

    def _run(self, command: str) -> None:
        shell = ["sh", "-c", f"{self._bin}/{command}"]
        if os.getuid() == 0:
            shell = ["su", "postgres", "-s", "/bin/sh", "-c", f"{self._bin}/{command}"]
        subprocess.run(shell, cwd="/tmp", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120)

    def url(self, database: str) -> str:
        """Give a database's SQLAlchemy URL."""
        return f"postgresql+psycopg://app@127.0.0.1:{self._port}/{database}"

    def create(self) -> str:
        """Make a fresh database and give its SQLAlchemy URL; quick once a template is set."""
        name = f"test_{next(self._numbers)}"
        template = f" TEMPLATE {self._template}" if self._template else ""
        with psycopg.connect(f"host=127.0.0.1 port={self._port} user=app dbname=postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}{template}")
        return self.url(name)

    def use_as_template(self, url: str) -> None:
        """Let every further database begin as a copy of this one, to which nobody is connected."""
        self._template = url.rsplit("/", 1)[1]

    def stop(self) -> None:
        """Stop the cluster and remove it."""
        self._run(f"pg_ctl -D {self._home / 'data'} -m immediate stop")
        shutil.rmtree(self._home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
