"""Tests whether notifications arrive.

Behind a transaction pooler LISTEN succeeds and no notification ever comes.
"""

import uuid

import psycopg

from storyboard_worker.queries.workers import WorkerRegister

PROOF_PREFIX = "proof:"
PROOF_TIMEOUT_SECONDS = 5.0


def notifications_arrive(connection: psycopg.Connection, register: WorkerRegister) -> bool:
    """Send a notification and wait for it on ``connection``, which has sent LISTEN.

    Raises :class:`DatabaseUnavailable`.
    """
    proof = f"{PROOF_PREFIX}{uuid.uuid4().hex}"
    register.notify(proof)
    # The time-out covers the whole wait, so notifications of rows cannot prolong it.
    for notification in connection.notifies(timeout=PROOF_TIMEOUT_SECONDS):
        if notification.payload == proof:
            return True
    return False
