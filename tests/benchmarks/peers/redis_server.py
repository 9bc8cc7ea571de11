"""A Redis for the peer that needs one, set up as BullMQ's documentation recommends."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.checks import check, wait_until
from tests.support.ports import free_port

PROGRAMS = ("redis-server", "valkey-server")
# https://docs.bullmq.io/guide/going-to-production: the append-only file, written to the disk
# every second, and no eviction.
SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True)
class Redis:
    url: str
    pid: int


def redis_program() -> str | None:
    """The path of a server of Redis's protocol; ``None`` where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def redis_version(program: str) -> str:
    """What the server calls its version; the whole of what it says where that is not found."""
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return version_said(said)


def version_said(said: str) -> str:
    """The version in a server's answer to ``--version``, or else the answer."""
    found = re.search(r"\bv=(\S+)", said)
    return found[1] if found else said.strip()


@contextmanager
def running_redis(program: str, folder: Path) -> Iterator[Redis]:
    """A server for the block, on a free port of loopback, with its data in ``folder``."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    settings = {"bind": "127.0.0.1", "port": str(port), "dir": str(folder), **SETTINGS}
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(
        [program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _answers(process, port), "Redis to answer")
        yield Redis(f"redis://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    check(process.poll() is None, f"Redis ended by itself, {process.returncode}")
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True
