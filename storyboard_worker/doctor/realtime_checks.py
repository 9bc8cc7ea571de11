"""Whether changes of rows reach Supabase's Realtime."""

from collections.abc import Iterator

from storyboard_worker.database import Database
from storyboard_worker.database.live_rows import TRIGGERS
from storyboard_worker.doctor.check import Check, passed, warned
from storyboard_worker.doctor.schema_checks import MIGRATE
from storyboard_worker.queries.realtime import LackingRights, lacking_rights, live_rows

NAME = "realtime"


def realtime_checks(database: Database) -> Iterator[Check]:
    found = live_rows(database)
    if found.has_realtime and found.is_up_to_date:
        yield _of_rights(lacking_rights(database))
    elif found.has_realtime and found.has_triggers:
        yield warned(NAME, "its triggers are of another version", MIGRATE)
    elif found.has_realtime:
        yield warned(NAME, "it is there, and the triggers that send to it are not", MIGRATE)
    elif found.has_triggers:
        yield warned(
            NAME,
            "its function realtime.send is gone, so each change of a row gives a warning",
            " ".join(f"DROP TRIGGER IF EXISTS {name} ON public.storyboards;" for name in TRIGGERS),
        )
    else:
        yield passed(NAME, "not on this server")


def _of_rights(lacking: LackingRights | None) -> Check:
    if lacking is None:
        return passed(NAME, "pages hear of rows that change")
    return warned(
        NAME,
        f"nothing is sent: {lacking.role}, the owner of storyboards_send(), lacks rights for it",
        " ".join(f"GRANT {grant} TO {lacking.role};" for grant in lacking.grants),
    )
