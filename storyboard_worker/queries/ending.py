"""The ends of claims, and new claims in the same transaction."""

import json
import logging
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from psycopg.rows import scalar_row

from storyboard_worker.database import Database
from storyboard_worker.database.one_round_trip import Call
from storyboard_worker.errors import (
    DatabaseUnavailable,
    DataRefused,
    LeaseLost,
    SchemaOutdated,
    StoryboardWorkerError,
)
from storyboard_worker.logs import event
from storyboard_worker.queries.claiming import Claiming
from storyboard_worker.queries.end_statements import (
    IMAGE_COLUMNS,
    complete_statement,
    end_with_error_statement,
    held_tokens,
    shown_images,
)
from storyboard_worker.queries.ends import ClaimEnd, End, ErrorEnd
from storyboard_worker.queries.unanswered_ends import UnansweredEnds, as_written
from storyboard_worker.queries.unshown_pictures import Picture, UnshownPictures
from storyboard_worker.storyboard import Claim, StoredImage

image_values = attrgetter(*IMAGE_COLUMNS)

# What keeps an end from being written; ``None``: it is written.
Verdict = StoryboardWorkerError | None


class Ending:
    """Of one worker's queue."""

    def __init__(self, database: Database, claiming: Claiming, unanswered: UnansweredEnds) -> None:
        self._database = database
        self._claiming = claiming
        self._unanswered = unanswered
        self._unshown = UnshownPictures(database)

    def end_all(
        self, ends: Sequence[ClaimEnd], *, claim: int = 0
    ) -> tuple[list[Verdict], list[Claim]]:
        """processing → ready, pending or failed, each claim as its end says; and pending →
        processing for up to ``claim`` rows that have not been tried, in one transaction.

        Answers, for each of ``ends``, ``None`` or what keeps it from being written:
        :class:`LeaseLost`, or :class:`DatabaseUnavailable` where another transaction has locked
        the row; and the claims. Raises :class:`DataRefused` when a value of any of them is
        refused. Then none is written. Pictures of lost claims, and those that may be stored in
        spite of an error, are kept for :meth:`list_unshown`.
        """
        self._claiming.give_back_lost()
        with self._unanswered.writing([ended for ended, _ in ends]):
            verdicts, claims = self._end_all(ends, claim)
        self._unanswered.settle(
            # Of one that is locked, maybe by what we sent before, nothing is known yet.
            ended
            for (ended, _), verdict in zip(ends, verdicts, strict=True)
            if verdict is None or isinstance(verdict, LeaseLost)
        )
        self._unshown.keep(_unshown(ends, verdicts))
        return verdicts, claims

    def list_unshown(self) -> None:
        """See :meth:`UnshownPictures.list_kept`. It takes a transaction of its own, so what was
        written is to be told before, and what was claimed to be started."""
        self._unshown.list_kept()

    def _end_all(self, ends: Sequence[ClaimEnd], limit: int) -> tuple[list[Verdict], list[Claim]]:
        tokens, claims = self._write(list(_calls(ends)), limit)
        written = set(tokens)
        missing = [one for one in ends if one[0].token not in written]
        if not missing:
            return [None] * len(ends), claims
        try:
            held, found = self._look_for(missing)
        except (DatabaseUnavailable, SchemaOutdated) as error:
            # What is claimed has to be started all the same.
            return [None if ended.token in written else error for ended, _ in ends], claims
        written |= found
        return [None if ended.token in written else _kept(ended, held) for ended, _ in ends], claims

    def _write(self, calls: list[Call[UUID]], limit: int) -> tuple[list[UUID], list[Claim]]:
        """The tokens of the claims that have ended, and new claims."""
        if limit:
            try:
                return self._claiming.most_urgent_along(calls, limit)
            except DataRefused as error:
                # It may be the claim's, and the ends must not fail with it. If not, it comes again.
                event(logging.WARNING, "ending without a claim", reason=type(error).__name__)
        return [token for tokens in self._database.run_all(calls) for token in tokens], []

    def _look_for(self, missing: Sequence[ClaimEnd]) -> tuple[set[UUID], set[UUID]]:
        """The tokens of claims that are still held, and of those whose end is written already: the
        answer to it was lost."""
        unknown = [one for one in missing if self._unanswered.is_in_doubt(one[0])]
        images = [(claim.id, end.cdn_url) for claim, end in unknown if isinstance(end, StoredImage)]
        errors = [(claim, end) for claim, end in unknown if isinstance(end, ErrorEnd)]
        with self._database.transaction() as connection:
            held = set(connection.scalars(held_tokens([claim.token for claim, _ in missing])))
            found = set(connection.scalars(shown_images(images))) if images else set()
            found |= set(connection.scalars(as_written(errors))) if errors else set()
        # A claim that is still held looks as if it was released and claimed since.
        return held, {claim.token for claim, _ in unknown if claim.id in found} - held


def _calls(ends: Sequence[ClaimEnd]) -> Iterator[Call[UUID]]:
    """One for the images and one for the errors, as far as there are any."""
    images = [_record(claim, end) for claim, end in ends if isinstance(end, StoredImage)]
    errors = [_record(claim, end) for claim, end in ends if isinstance(end, ErrorEnd)]
    if images:
        yield Call(complete_statement(), {"ended": _text(images)}, scalar_row)
    if errors:
        yield Call(end_with_error_statement(), {"ended": _text(errors)}, scalar_row)


def _unshown(ends: Sequence[ClaimEnd], verdicts: Sequence[Verdict]) -> Iterator[Picture]:
    for (claim, end), verdict in zip(ends, verdicts, strict=True):
        is_lost = isinstance(verdict, LeaseLost)
        if isinstance(end, StoredImage):
            if is_lost:
                yield claim.id, end.public_id
        elif end.error.maybe_stored is not None and (is_lost or verdict is None):
            yield claim.id, end.error.maybe_stored


def _record(claim: Claim, end: End) -> dict[str, Any]:
    ours = {"id": str(claim.id), "token": str(claim.token)}
    if isinstance(end, StoredImage):
        return ours | dict(zip(IMAGE_COLUMNS, image_values(end), strict=True))
    facts = {
        "transition": end.transition,
        "delay_seconds": end.delay_seconds,
        "own_errors": int(end.own_error),
    }
    return ours | facts | end.error_columns


def _text(records: list[dict[str, Any]]) -> str:
    # Postgres takes an escaped character only where its database is in UTF-8. The characters
    # themselves are converted as those of any other text.
    return json.dumps(records, ensure_ascii=False)


def _kept(claim: Claim, held: set[UUID]) -> StoryboardWorkerError:
    if claim.token in held:
        return DatabaseUnavailable(f"storyboard {claim.id} is locked by another transaction")
    return LeaseLost(f"storyboard {claim.id} is no longer ours")
