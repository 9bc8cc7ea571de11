"""Whether Supabase's Realtime is there, and hears of rows that change."""

from dataclasses import dataclass

from sqlalchemy import text

from storyboard_worker.database import Database
from storyboard_worker.database.live_rows import HAS_REALTIME, IS_UP_TO_DATE, TRIGGERS
from storyboard_worker.queries.inspection import read_only

LOOK = text(
    f"SELECT {HAS_REALTIME}, {IS_UP_TO_DATE}, (SELECT count(*) > 0 FROM pg_catalog.pg_trigger "  # noqa: S608  our own constants
    "WHERE tgrelid = to_regclass('public.storyboards') AND tgname = ANY(:names))"
)


@dataclass(frozen=True, slots=True)
class LiveRows:
    """``has_realtime``: the function ``realtime.send`` exists. ``is_up_to_date``: our triggers that
    call it are those of this version. ``has_triggers``: there are some, of whatever version."""

    has_realtime: bool
    is_up_to_date: bool
    has_triggers: bool


def live_rows(database: Database) -> LiveRows:
    with read_only(database) as connection:
        return LiveRows(*connection.execute(LOOK, {"names": list(TRIGGERS)}).one())
