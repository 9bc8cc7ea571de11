"""What others see of a running worker, and what it finds out while it shows itself."""

import os
import socket

from storyboard_worker import __version__
from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import DatabaseUnavailable, RowsHidden
from storyboard_worker.queries.workers import WorkerRegister
from storyboard_worker.storyboard import WorkerBeat, WorkerState
from storyboard_worker.worker.housekeeping import Housekeeping
from storyboard_worker.worker.proofs import Proofs
from storyboard_worker.worker.slots import Slots


class Heartbeat:
    """The worker's row in the register. That of its ``predecessor``, which has ended, is deleted
    with the first beat."""

    def __init__(
        self,
        worker_id: str,
        register: WorkerRegister,
        housekeeping: Housekeeping,
        slots: Slots,
        breakers: Breakers,
        proofs: Proofs,
        *,
        concurrency: int,
        predecessor: str | None = None,
    ) -> None:
        self._worker_id = worker_id
        self._register = register
        self._housekeeping = housekeeping
        self._slots = slots
        self._breakers = breakers
        self._proofs = proofs
        self._concurrency = concurrency
        self._predecessor = predecessor
        self._state = WorkerState.RUNNING

    def beat_and_tidy(self) -> None:
        """Beat, and rescue or expire what the look that goes with it has found."""
        self._forget_predecessor()
        proof = self._proofs.next()
        try:
            chores = self._register.beat_and_look(self._beat(), proof=proof)
        except RowsHidden:
            raise
        except DatabaseUnavailable:
            # The rows may be locked: the worker lives all the same.
            self._register.beat(self._beat())
            raise
        if proof is not None:
            self._proofs.sent(proof)
        in_doubt = self._housekeeping.is_in_doubt
        if chores.lapsed or in_doubt:
            self._housekeeping.rescue()
        if chores.expired or in_doubt:
            self._housekeeping.expire()

    def drain(self) -> None:
        """From now on it is seen to stop."""
        self._state = WorkerState.DRAINING
        self._register.beat(self._beat())

    def leave(self) -> None:
        self._register.leave(self._worker_id)

    def _forget_predecessor(self) -> None:
        if self._predecessor is not None:
            self._register.leave(self._predecessor)
            self._predecessor = None

    def _beat(self) -> WorkerBeat:
        return WorkerBeat(
            worker_id=self._worker_id,
            hostname=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            state=self._state,
            concurrency=self._concurrency,
            in_flight=self._slots.busy,
            paused_seconds=self._breakers.paused_seconds(),
        )
