"""Brings the schema to the newest version, wherever the package is installed."""

import contextlib
import io
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationInfo
from alembic.script import ScriptDirectory

from alembic import command
from storyboard_worker.database import Database, live_rows

_PACKAGE = Path(__file__).parents[1]
# The migrations lie inside the package in a wheel, and beside it in a checkout.
_MIGRATIONS = (_PACKAGE / "migrations", _PACKAGE.parent / "alembic")


def upgrade(database: Database) -> list[str]:
    """Run the missing migrations; returns their revisions, oldest first.

    Makes the triggers that send changes to Supabase's Realtime as well, where it is there. If they
    were missing, the last name returned is ``realtime``.

    Raises :class:`DatabaseUnavailable`, also when another deployment holds the lock, or the
    table is too busy to be changed right now.
    """
    applied: list[str] = []

    def note(*, step: MigrationInfo, **_: object) -> None:
        applied.extend(step.up_revision_ids)

    def finish() -> None:
        if live_rows.ensure():
            applied.append("realtime")

    config = _config()
    config.attributes["on_version_apply"] = note
    config.attributes["finish"] = finish
    with database.patient() as holder, database.patient() as connection:
        config.attributes["holder"] = holder
        config.attributes["connection"] = connection
        config.attributes["on_begin"] = database.watch
        command.upgrade(config, "head")
    return applied


def upgrade_sql(since: str | None = None) -> str:
    """The migrations as SQL text, to be run by hand; with ``since`` only those after it."""
    printed = io.StringIO()
    config = _config()
    config.output_buffer = printed
    config.attributes["finish"] = live_rows.ensure
    # Alembic also logs each migration. The SQL is enough.
    with contextlib.redirect_stderr(io.StringIO()):
        command.upgrade(config, f"{since}:head" if since else "head", sql=True)
    return printed.getvalue()


def newest_revision() -> str | None:
    """The newest revision of this version."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def revisions() -> list[str]:
    """All revisions that this version knows, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]


def _config() -> Config:
    config = Config()
    location = next(folder for folder in _MIGRATIONS if folder.is_dir())
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config
