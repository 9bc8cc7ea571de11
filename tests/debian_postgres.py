"""The distribution's own Postgres with its defaults: unlike the tests' usual one, it has JIT.

From the shell, for tests and benchmarks::

    python -m tests.debian_postgres -- python -m pytest tests/integration/queries

runs the command with TEST_DATABASE_URL set to such a server, and ends the server after it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg

VERSIONS = Path("/usr/lib/postgresql")
# The superuser, and the owner of the server where root starts it, because Postgres refuses root.
USER = "postgres"
START_SECONDS = 60


class NotUsableError(Exception):
    """Says why there is no such server on this machine."""


@contextmanager
def debian_postgres() -> Iterator[str]:
    """The URL of a server of the block's own.

    Raises :class:`NotUsableError` where the package is missing or comes without JIT.
    """
    programs = _programs_of_newest_version()
    with tempfile.TemporaryDirectory(prefix="storyboard-debian-") as name:
        folder = Path(name)
        if _is_root():
            shutil.chown(folder, USER, USER)
        data = folder / "data"
        # The machine's language must not decide the encoding.
        _run(programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "--locale=C.UTF-8")
        control = (programs / "pg_ctl", "-D", data, "-w", "-t", START_SECONDS)
        options = f"-c listen_addresses= -c unix_socket_directories={folder}"
        _run(*control, "-l", folder / "log", "-o", options, "start")
        try:
            url = f"postgresql://{USER}@/postgres?host={folder}"
            _check_jit(url)
            yield url
        finally:
            _run(*control, "-m", "immediate", "stop")


def _programs_of_newest_version() -> Path:
    found = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda program: float(program.parts[-3]))
    if not found:
        raise NotUsableError(f"no Postgres in {VERSIONS}; install Debian's package `postgresql`")
    return found[-1].parent


def _is_root() -> bool:
    return os.geteuid() == 0


def _run(*command: object) -> None:
    """Raises :class:`NotUsableError` with what the program said."""
    as_user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []}
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **as_user if _is_root() else {},
    )
    if done.returncode:
        raise NotUsableError(done.stdout)


def _check_jit(url: str) -> None:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT current_setting('jit'), pg_jit_available()").fetchone()
    if found != ("on", True):
        raise NotUsableError("this Postgres does not compile; install its JIT package")


@click.command()
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def main(command: tuple[str, ...]) -> None:
    """Run COMMAND beside the distribution's own Postgres."""
    try:
        with debian_postgres() as url:
            code = subprocess.call(command, env={**os.environ, "TEST_DATABASE_URL": url})
    except NotUsableError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(code)


if __name__ == "__main__":
    main()
