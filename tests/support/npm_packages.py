"""The npm packages that tests use, installed once on a machine and then kept.

They lie in the folder for temporary files, under a name that changes with the versions.
"""

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from tests.support.required import missing

# supabase-js: the last version before those that are for Node 22 and newer. Debian 12 has 18.
PACKAGES = {
    "@supabase/supabase-js": "2.109.0",
    "@types/node": "20.19.43",
    "@types/react": "19.3.0",
    "@types/react-dom": "19.3.0",
    "axe-core": "4.14.1",
    "react": "19.3.1",
    "react-dom": "19.3.1",
    "typescript": "7.0.2",
}
# Below the limit of a test, whose fixture installs.
INSTALL_SECONDS = 90
INSTALL = shlex.split(
    "npm install --ignore-scripts --no-audit --no-fund --no-progress "
    "--fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000"
)
NODE_AT_LEAST = 18


def installed_packages() -> Path:
    """The folder ``node_modules`` that holds :data:`PACKAGES`.

    Skips the test where Node, npm or its registry is missing.
    """
    _check_node()
    folder = _folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        missing(f"{folder} belongs to another user")
    began_at = time.time()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "node_modules"
        if not done.exists():
            _check_no_other_failed(folder, began_at)
            _install(folder)
    return done


def _check_node() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            missing(f"needs {program} (Debian's packages nodejs and npm)")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True)
    if int(version.stdout.strip().removeprefix("v").partition(".")[0]) < NODE_AT_LEAST:
        missing(f"needs Node {NODE_AT_LEAST} or newer, this is {version.stdout.strip()}")


def _folder() -> Path:
    versions = hashlib.sha256(json.dumps(PACKAGES, sort_keys=True).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"storyboard-worker-npm-{os.geteuid()}-{versions}"


def _check_no_other_failed(folder: Path, began_at: float) -> None:
    """Test processes that waited for one that failed would fail as slowly, one after another."""
    note = folder / "failed"
    if note.exists() and note.stat().st_mtime >= began_at:
        missing(note.read_text("utf-8"))


def _failed(folder: Path, reason: str) -> NoReturn:
    (folder / "failed").write_text(reason, "utf-8")
    missing(reason)


def _install(folder: Path) -> None:
    """The packages appear under their final name when all of them are there."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        package = {"private": True, "dependencies": PACKAGES}
        (Path(name) / "package.json").write_text(json.dumps(package), "utf-8")
        try:
            done = subprocess.run(
                INSTALL,
                cwd=name,
                check=False,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
            )
        except subprocess.TimeoutExpired:
            _failed(folder, f"npm did not install the packages within {INSTALL_SECONDS} s")
        if done.returncode:
            _failed(folder, f"npm could not install the packages: {done.stderr[-1000:]}")
        (Path(name) / "node_modules").rename(folder / "node_modules")
