"""Whether notifications really arrive: behind a transaction pooler LISTEN succeeds and nothing
ever comes."""

import uuid

import psycopg

from storyboard_worker.queries.workers import WorkerRegister

PROOF_PREFIX = "proof:"
PROOF_TIMEOUT_SECONDS = 5.0


def notifications_arrive(connection: psycopg.Connection, register: WorkerRegister) -> bool:
    """Notify ourselves over another connection, and hear it on ``connection``, which listens.

    Raises :class:`DatabaseUnavailable`.
    """
    proof = f"{PROOF_PREFIX}{uuid.uuid4().hex}"
    register.notify(proof)
    # The generator's time-out is total, so other rows' notifications cannot prolong it.
    for notification in connection.notifies(timeout=PROOF_TIMEOUT_SECONDS):
        if notification.payload == proof:
            return True
    return False
