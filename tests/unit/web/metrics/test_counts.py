"""Counts of attempts, of one process and of several."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from storyboard_worker.attempts.outcome import Ended, Outcome
from storyboard_worker.errors import AttemptError, ErrorCode
from storyboard_worker.timings import Timings
from storyboard_worker.web.metrics.counts import PLACES, AttemptCounts, CountsCollector
from tests.support.attempts import new_claim


def samples(*counts: AttemptCounts) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(CountsCollector([one.numbers for one in counts]))
    text = generate_latest(registry).decode()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def ready(seconds: float, length_bytes: int = 10) -> Ended:
    timings = Timings(
        began_at=0.0,
        asked_at=0.0,
        first_byte_at=0.2,
        last_byte_at=0.3,
        stored_at=1.3,
        length_bytes=length_bytes,
    )
    return Ended(new_claim(), Outcome.READY, seconds, timings)


def failed(outcome: Outcome, code: ErrorCode | None) -> Ended:
    error = None if code is None else AttemptError(code, "no")
    return Ended(new_claim(), outcome, 0.5, Timings(), error)


def test_what_has_not_happened_is_0() -> None:
    found = samples(AttemptCounts())
    assert set(found.values()) == {0.0}
    for outcome in Outcome:
        assert f"storyboard_attempts_total {outcome}" in found
    for code in ErrorCode:
        assert f"storyboard_attempt_errors_total {code}" in found


def test_each_end_is_counted_in_its_place() -> None:
    counts = AttemptCounts()
    for ended in (
        ready(0.1),
        ready(500.0, length_bytes=32),
        failed(Outcome.RETRIED, ErrorCode.SOURCE_TIMEOUT),
        failed(Outcome.LEASE_LOST, None),
    ):
        counts.attempt_ended(ended)
    found = {name: value for name, value in samples(counts).items() if value}
    assert found.pop("storyboard_attempt_seconds_sum") == 501.1
    assert {name: value for name, value in found.items() if "_bucket" not in name} == {
        "storyboard_attempts_total ready": 2,
        "storyboard_attempts_total retried": 1,
        "storyboard_attempts_total lease_lost": 1,
        "storyboard_attempt_errors_total source_timeout": 1,
        "storyboard_leases_lost_total": 1,
        "storyboard_copied_bytes_total": 42,
        "storyboard_attempt_seconds_count": 4,
        "storyboard_source_seconds_count": 2,
        "storyboard_source_seconds_sum": 0.4,
        "storyboard_storage_seconds_count": 2,
        "storyboard_storage_seconds_sum": 2.0,
    }
    buckets = {
        name.partition(" ")[2]: value for name, value in found.items() if "pt_seconds_b" in name
    }
    assert buckets == {
        **dict.fromkeys(("0.1", "0.25"), 1),
        **dict.fromkeys(("0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0", "120.0"), 3),
        "+Inf": 4,
    }


def test_several_processes_are_added_up() -> None:
    first, second = AttemptCounts(), AttemptCounts()
    first.attempt_ended(ready(0.1))
    for _ in range(2):
        second.attempt_ended(ready(0.1))
    found = samples(first, second)
    assert found["storyboard_attempts_total ready"] == 3
    assert found["storyboard_attempt_seconds_count"] == 3


def test_counts_go_on_in_the_memory_that_is_given() -> None:
    memory = memoryview(bytearray(PLACES * 8)).cast("d")
    for _ in range(2):
        AttemptCounts(memory).attempt_ended(ready(0.1))
    assert samples(AttemptCounts(memory))["storyboard_attempts_total ready"] == 2
