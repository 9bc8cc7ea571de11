"""Compile the programs of this folder."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
COMPILER = "cc"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-pthread")
UPSTREAMS = (
    "upstreams.c",
    "settings.c",
    "server.c",
    "source.c",
    "storage.c",
    "upload.c",
    "stream.c",
    "head.c",
    "pace.c",
    "tallies.c",
)
FLOOR = ("floor.c", "copier.c", "head.c")


@dataclass(frozen=True)
class Binaries:
    upstreams: Path
    floor: Path


def build(folder: Path) -> Binaries:
    """Raises :class:`RuntimeError`, saying what to install, where nothing can be compiled."""
    _check_compiler()
    return Binaries(
        upstreams=_compile(folder / "upstreams", UPSTREAMS, ("-lssl", "-lcrypto")),
        floor=_compile(folder / "floor", FLOOR, ()),
    )


def _check_compiler() -> None:
    command = (COMPILER, "-E", "-include", "openssl/ssl.h", "-x", "c", "/dev/null")
    if (
        shutil.which(COMPILER) is None
        or subprocess.run(command, check=False, capture_output=True).returncode != 0
    ):
        raise RuntimeError(
            "The benchmarks need a C compiler and the headers of OpenSSL"
            " (Debian: apt-get install gcc libc6-dev libssl-dev)"
        )


def _compile(program: Path, sources: tuple[str, ...], libraries: tuple[str, ...]) -> Path:
    files = [str(HERE / source) for source in sources]
    subprocess.run([COMPILER, *FLAGS, *files, "-o", str(program), *libraries], check=True)
    return program
