"""The peers: verdaccio (installed by package name) and nginx (Debian's, where installed)."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.bench.machine import Running, dump, free_port, request
from tools import node

ROOT = Path(__file__).resolve().parent.parent.parent

_VERDACCIO = """
storage: {home}/storage
auth: {{htpasswd: {{file: {home}/htpasswd, max_users: 10}}}}
uplinks: {{}}
packages: {{'**': {{access: $all, publish: $authenticated, unpublish: $authenticated}}}}
max_body_size: 100mb
web: {{enable: false}}
log: {{type: stdout, format: json, level: error}}
security: {{api: {{legacy: false, jwt: {{sign: {{expiresIn: 29d}}}}}}}}
"""
_NGINX = """
{user}daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; keepalive_requests 1000000; client_body_temp_path {home}; proxy_temp_path {home};
fastcgi_temp_path {home}; uwsgi_temp_path {home}; scgi_temp_path {home};
server {{ listen 127.0.0.1:{port}; root {home}/files; }} }}
"""


def start_verdaccio(home: Path) -> tuple[Running, str, str]:
    """Start verdaccio with quick tokens; give it, its address and a token."""
    installed = ROOT / ".cache" / "bench"
    if not (installed / "node_modules" / "verdaccio").exists():
        installed.mkdir(parents=True, exist_ok=True)
        # One of its dependencies names a tag that not every mirror has.
        (installed / "package.json").write_text(
            json.dumps({"private": True, "dependencies": {"verdaccio": "6"}, "overrides": {"node-fetch": "2.6.7"}})
        )
        node.npm("install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", cwd=installed)
    home.mkdir()
    (home / "config.yaml").write_text(_VERDACCIO.format(home=home))
    url = f"http://127.0.0.1:{free_port()}"
    script = installed / "node_modules" / "verdaccio" / "bin" / "verdaccio"
    command = ["node", str(script), "--config", str(home / "config.yaml"), "--listen", url.removeprefix("http://")]
    server = Running(command, f"{url}/-/ping", home / "log", node.environment())
    body = dump({"name": "bench", "password": "a long password"})
    headers = {"Content-Type": "application/json"}
    answer = request("PUT", f"{url}/-/user/org.couchdb.user:bench", body, headers)[1]
    return server, url, json.loads(answer)["token"]


def start_nginx(home: Path, files: dict[str, bytes]) -> tuple[Running, str]:
    """Start nginx with one worker on some files; give it and its address."""
    (home / "files").mkdir(parents=True)
    for name, content in files.items():
        (home / "files" / name).write_bytes(content)
    port = free_port()
    user = "user root; " if os.getuid() == 0 else ""
    (home / "nginx.conf").write_text(_NGINX.format(home=home, port=port, user=user))
    home.chmod(0o755)
    name = next(iter(files))
    url = f"http://127.0.0.1:{port}"
    return Running(["nginx", "-c", str(home / "nginx.conf"), "-p", str(home)], f"{url}/{name}", home / "log"), url
