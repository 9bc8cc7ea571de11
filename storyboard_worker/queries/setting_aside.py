"""Sets aside a row that makes a statement for many rows fail, so that the others go on."""

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy import Uuid as UuidType

from storyboard_worker.backoff import Backoff
from storyboard_worker.database import Database
from storyboard_worker.database.fixed_statement import FixedStatement, fixed
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.database.tables import storyboards
from storyboard_worker.errors import DataRefused, ErrorCode
from storyboard_worker.logs import event
from storyboard_worker.queries.columns import (
    FAILED,
    NO_CLAIM,
    NOW,
    is_pending,
    is_processing,
    storable,
)
from storyboard_worker.storyboard import SetAside

rows = storyboards.c

Refused = tuple[UUID, DataRefused]
OnSetAside = Callable[[SetAside], None]
MESSAGE = "the database refuses to have this row processed"
FEW_SHARE = 0.25
# The owner may have repaired the trigger a moment later.
FIRST_PASSED_OVER_SECONDS = 5.0
LONGEST_PASSED_OVER_SECONDS = 300.0
# Far below an overflow of the integer, and far above any useful limit of attempts.
MOST_ATTEMPTS = 1000
EARLIEST: ColumnElement[Any] = literal_column("timestamptz '1970-01-02 00:00+00'")
LATEST: ColumnElement[Any] = literal_column("timestamptz '9998-01-01 00:00+00'")


def log_set_aside(row: SetAside) -> None:
    """Only log it: the default."""
    event(logging.ERROR, "storyboard set aside", storyboard_id=row.id, error_code="unexpected")


class SettingAside:
    """Fails the rows that are to blame, and passes over others for a while.

    Rows are passed over when they cannot be failed or are not to blame: an owner's trigger may
    refuse them now and not a moment later. They are tried again after 5 s, then ever more rarely.
    ``on_set_aside`` is called for each row of both kinds.
    """

    def __init__(
        self,
        database: Database,
        on_set_aside: OnSetAside,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._on_set_aside = on_set_aside
        self._clock = clock
        self._until: dict[UUID, float] = {}
        self._backoffs: dict[UUID, Backoff] = {}

    @property
    def passed_over(self) -> list[UUID]:
        """The rows that are passed over now."""
        if not self._until:
            return []
        now = self._clock()
        self._until = {id_: until for id_, until in self._until.items() if until > now}
        return list(self._until)

    @property
    def seconds_until_again(self) -> float | None:
        """Until the first of the rows that are passed over may be claimed; ``None``: there are
        none."""
        if not self.passed_over:
            return None
        return max(0.0, min(self._until.values()) - self._clock())

    def judge(self, refused: list[Refused], *, well: int) -> None:
        """Decide about the rows that were ``refused`` one by one, while so many went ``well``.

        Rows that are to blame are set aside, and so are rows that an owner's trigger refuses if
        they are few among many. If they are more, the trigger may be a quota: they are passed
        over. Raises the first error when no row went well, because then the table is broken.
        """
        if not refused:
            return
        alone = len(refused) == 1 and refused[0][1].by_row
        if not well and not alone:
            raise refused[0][1]
        are_few = len(refused) <= (len(refused) + well) * FEW_SHARE
        for storyboard_id, error in refused:
            if error.by_row or are_few:
                self.set_aside(storyboard_id, error)
            else:
                self._pass_over(storyboard_id, error)

    def _pass_over(self, storyboard_id: UUID, error: DataRefused) -> None:
        is_first = storyboard_id not in self._backoffs
        if is_first:
            self._backoffs[storyboard_id] = Backoff(
                FIRST_PASSED_OVER_SECONDS, LONGEST_PASSED_OVER_SECONDS
            )
        self._until[storyboard_id] = self._clock() + self._backoffs[storyboard_id].take()
        if not is_first:
            return
        event(
            logging.ERROR,
            "a row is refused by the database, and passed over",
            storyboard_id=storyboard_id,
            reason=error,
        )
        values = {"chosen_id": storyboard_id}
        for row in self._database.run(Call(_looking(), values, class_row(SetAside))):
            self._on_set_aside(row)

    def set_aside(self, storyboard_id: UUID, error: DataRefused) -> None:
        """pending or processing → failed (``unexpected``), numbers and moments within bounds."""
        event(
            logging.ERROR,
            "a row is refused by the database",
            storyboard_id=storyboard_id,
            reason=error,
        )
        values = {"chosen_id": storyboard_id, "message": _plain(f"{MESSAGE}: {error}")}
        try:
            found = self._database.run(Call(_statement(), values, class_row(SetAside)))
        except DataRefused as refused:
            self._pass_over(storyboard_id, refused)
            return
        for row in found:
            self._on_set_aside(row)


@cache
def _statement() -> FixedStatement:
    chosen = rows.id == bindparam("chosen_id", type_=UuidType)
    statement = (
        update(storyboards)
        .where(chosen, is_pending | is_processing)
        .values(
            status=FAILED,
            error_code=str(ErrorCode.UNEXPECTED),
            error_message=bindparam("message", type_=Text),
            errored_at=NOW,
            sentry_event_id=null(),
            attempts=func.least(rows.attempts, MOST_ATTEMPTS),
            available_at=_sane(rows.available_at, NOW),
            source_expires_at=_sane(rows.source_expires_at, null()),
            created_at=_sane(rows.created_at, NOW),
            **NO_CLAIM,
        )
        .returning(rows.id, rows.source_url, rows.project_id, rows.attempts)
    )
    return fixed(statement)


@cache
def _looking() -> FixedStatement:
    chosen = rows.id == bindparam("chosen_id", type_=UuidType)
    return fixed(select(rows.id, rows.source_url, rows.project_id, rows.attempts).where(chosen))


def _plain(message: str) -> str:
    """``message`` in ASCII: a character that the database's encoding lacks may be the reason."""
    return storable(message).encode("ascii", "replace").decode()


def _sane(moment: ColumnElement[Any], otherwise: Any) -> ColumnElement[Any]:
    return case((moment.between(EARLIEST, LATEST), moment), else_=otherwise)
