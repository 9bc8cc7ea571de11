"""``storyboard-worker migrate`` as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from psycopg import conninfo

COMMAND = Path(sys.executable).with_name("storyboard-worker")


def url_of(dsn: str) -> str:
    """The DSN as a URL, the form in which people set it."""
    parts = {name: str(part or "") for name, part in conninfo.conninfo_to_dict(dsn).items()}
    login = f"{parts['user']}:{parts.get('password', '')}"
    address = f"host={parts['host']}&port={parts.get('port', '5432')}"
    return f"postgresql://{login}@/{parts['dbname']}?{address}"


def start_migrate(*arguments: str, dsn: str | None = None) -> subprocess.Popen[str]:
    # The settings of the person who runs the tests stay out, and the folder is no checkout.
    environment = {"PATH": os.environ["PATH"]}
    if dsn is not None:
        environment["DATABASE_URL"] = url_of(dsn)
    return subprocess.Popen(
        [str(COMMAND), "migrate", *arguments],
        env=environment,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def migrate(*arguments: str, dsn: str | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    with start_migrate(*arguments, dsn=dsn) as process:
        printed, told = process.communicate(timeout=60)
    return process.returncode, printed, told
