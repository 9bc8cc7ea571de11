"""Every minute the worker proves that notifications still arrive."""

import pytest

from storyboard_worker.queries.notifications import PROOF_PREFIX, PROOF_TIMEOUT_SECONDS
from storyboard_worker.worker.proofs import PROVEN_EVERY_SECONDS, Proofs
from tests.support.clock import Clock


@pytest.fixture
def proofs(clock: Clock) -> Proofs:
    return Proofs(clock)


def send_due(proofs: Proofs, clock: Clock) -> str:
    clock.now += PROVEN_EVERY_SECONDS
    proof = proofs.next()
    assert proof is not None
    return proof


def test_without_listening_there_is_nothing_to_prove(proofs: Proofs, clock: Clock) -> None:
    clock.now += 1000
    assert proofs.next() is None
    assert not proofs.missed


def test_it_is_sent_once_a_minute(proofs: Proofs, clock: Clock) -> None:
    proofs.begin()
    assert proofs.next() is None
    for _ in range(3):
        proof = send_due(proofs, clock)
        proofs.sent(proof)
        assert proofs.next() is None, "one is under way"
        assert proofs.heard(proof)
        assert proofs.next() is None
        assert not proofs.missed


def test_a_proof_that_is_not_heard_in_time_is_missed(proofs: Proofs, clock: Clock) -> None:
    proofs.begin()
    proofs.sent(send_due(proofs, clock))
    clock.now += PROOF_TIMEOUT_SECONDS
    assert not proofs.missed
    clock.now += 0.1
    assert proofs.missed


def test_a_proof_that_was_not_sent_cannot_be_missed(proofs: Proofs, clock: Clock) -> None:
    """The heartbeat that should have carried it failed. The next one carries another proof."""
    proofs.begin()
    first = send_due(proofs, clock)
    clock.now += 1000
    assert not proofs.missed
    second = proofs.next()
    assert second not in (None, first)


def test_it_may_be_heard_before_its_sender_knows_that_it_is_sent(
    proofs: Proofs, clock: Clock
) -> None:
    proofs.begin()
    proof = send_due(proofs, clock)
    assert proofs.heard(proof)
    proofs.sent(proof)
    clock.now += 1000
    assert not proofs.missed


def test_a_proof_of_another_worker_proves_nothing(proofs: Proofs, clock: Clock) -> None:
    proofs.begin()
    proofs.sent(send_due(proofs, clock))
    assert proofs.heard(f"{PROOF_PREFIX}of-another-worker")
    clock.now += PROOF_TIMEOUT_SECONDS + 0.1
    assert proofs.missed


def test_news_of_a_row_is_no_proof(proofs: Proofs) -> None:
    proofs.begin()
    assert not proofs.heard("")


def test_a_new_connection_begins_anew(proofs: Proofs, clock: Clock) -> None:
    proofs.begin()
    proofs.sent(send_due(proofs, clock))
    clock.now += 1000
    proofs.end()
    assert not proofs.missed
    proofs.begin()
    assert proofs.next() is None
