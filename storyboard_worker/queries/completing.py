"""processing → ready, and new claims in the same transaction."""

import json
import logging
from collections.abc import Collection, Sequence
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
    held_tokens,
    shown_images,
)
from storyboard_worker.queries.unanswered_ends import UnansweredEnds
from storyboard_worker.storyboard import Claim, StoredImage

Completion = tuple[Claim, StoredImage]


class Completing:
    """Of one worker's queue."""

    def __init__(self, database: Database, claiming: Claiming, ends: UnansweredEnds) -> None:
        self._database = database
        self._claiming = claiming
        self._ends = ends

    def complete_all(
        self, done: Sequence[Completion], *, claim: int = 0
    ) -> tuple[list[StoryboardWorkerError | None], list[Claim]]:
        """processing → ready for several rows, and pending → processing for up to ``claim`` rows
        that have not been tried, in one transaction.

        Answers, for each of ``done``, ``None`` or what keeps it from being written; and the
        claims.
        """
        with self._ends.writing([ending for ending, _ in done]):
            verdicts, claims = self._completed(done, claim)
        for (ended, _), verdict in zip(done, verdicts, strict=True):
            # Of one that is locked, maybe by what we sent before, nothing is known yet.
            if not isinstance(verdict, DatabaseUnavailable):
                self._ends.settle(ended)
        return verdicts, claims

    def _completed(
        self, done: Sequence[Completion], limit: int
    ) -> tuple[list[StoryboardWorkerError | None], list[Claim]]:
        self._claiming.give_back_lost()
        records = [
            {"id": str(claim.id), "token": str(claim.token)}
            | {name: getattr(image, name) for name in IMAGE_COLUMNS}
            for claim, image in done
        ]
        completion = Call(complete_statement(), {"done": json.dumps(records)}, scalar_row)
        tokens, claims = self._write(completion, limit)
        written = set(tokens)
        missing = [pair for pair in done if pair[0].token not in written]
        try:
            held, shown = self._held_or_shown(missing) if missing else (set(), set())
        except (DatabaseUnavailable, SchemaOutdated) as error:
            # What is claimed has to be started all the same.
            return [None if claim.token in written else error for claim, _ in done], claims
        return [_verdict(claim, written | shown, held) for claim, _ in done], claims

    def _write(self, completion: Call[UUID], limit: int) -> tuple[list[UUID], list[Claim]]:
        """The tokens of the claims that were completed, and new claims."""
        if not limit:
            return self._database.run(completion), []
        try:
            return self._claiming.most_urgent_along(completion, limit)
        except DataRefused as error:
            # It may be the claim's: images that are stored must not fail with it. If not, it
            # comes again.
            event(logging.WARNING, "completing without a claim", reason=type(error).__name__)
            return self._database.run(completion), []

    def _held_or_shown(self, done: Sequence[Completion]) -> tuple[set[UUID], set[UUID]]:
        """The tokens of claims that are still held, and of those whose row shows the picture
        already: the answer to its completion was lost."""
        tokens = {claim.id: claim.token for claim, _ in done}
        images = [
            (claim.id, image.cdn_url) for claim, image in done if self._ends.is_in_doubt(claim)
        ]
        with self._database.transaction() as connection:
            held = set(connection.scalars(held_tokens(list(tokens.values()))))
            shown = set(connection.scalars(shown_images(images))) if images else set()
        return held, {tokens[id_] for id_ in shown}


def _verdict(
    claim: Claim, written: Collection[UUID], held: Collection[UUID]
) -> StoryboardWorkerError | None:
    if claim.token in written:
        return None
    if claim.token in held:
        return DatabaseUnavailable(f"storyboard {claim.id} is locked by another transaction")
    return LeaseLost(f"storyboard {claim.id} is no longer ours")
