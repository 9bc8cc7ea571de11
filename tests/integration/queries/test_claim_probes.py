"""Claims of rows that probe whether an upstream is well again, and their consequences."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from storyboard_worker.errors import STORAGE_UPSTREAM
from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import Group
from tests.integration.queries.working import recall_all, seconds_from_now
from tests.support.producing import A_MOMENT, enqueue, moment, storyboard

HOST = "images.example"


def bulk(producer: psycopg.Connection, count: int, *, attempts: int = 0, priority: int = 0) -> None:
    """Rows of one host, unlike the rows of any other statement."""
    producer.execute(
        "INSERT INTO storyboards (source_url, attempts, priority) SELECT %s || n, %s, %s "
        "FROM generate_series(1, %s) AS n",
        [f"https://{HOST}/", attempts, priority, count],
    )


def test_a_source_is_asked_by_its_own_rows(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    enqueue(producer, "https://other.example/a")
    enqueue(producer, f"https://{HOST}:8443/a")
    mine = enqueue(producer, f"https://{HOST}/a")
    assert [claim.id for claim in queue.claim_probes(5, upstream=HOST)] == [mine]
    assert queue.claim_probes(5, upstream="unknown.example") == []


def test_storage_is_asked_by_rows_of_any_source_that_is_well(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    enqueue(producer, "https://paused.example/a")
    mine = {enqueue(producer, f"https://{name}.example/a") for name in ("one", "other")}
    claims = queue.claim_probes(5, without_upstreams=["paused.example"])
    assert {claim.id for claim in claims} == mine


@pytest.mark.parametrize("upstream", [HOST, None])
def test_rows_that_have_not_been_tried_come_before_those_that_have(
    queue: StoryboardQueue, producer: psycopg.Connection, upstream: str | None
) -> None:
    bulk(producer, 40, attempts=3, priority=9)
    bulk(producer, 2)
    attempts = [claim.attempt for claim in queue.claim_probes(3, upstream=upstream)]
    assert sorted(attempts) == [1, 1, 4]


@pytest.mark.parametrize("upstream", [HOST, None])
def test_rows_that_may_have_killed_their_workers_ask_last_and_apart(
    queue: StoryboardQueue, producer: psycopg.Connection, upstream: str | None
) -> None:
    """Where there is no other row, these would be the only ones to ask."""
    for _ in range(3):
        enqueue(producer, f"https://{HOST}/a", attempts=1, workers_lost=1)
    other = enqueue(producer, f"https://{HOST}/a", attempts=9)
    assert [claim.id for claim in queue.claim_probes(5, upstream=upstream)] == [other]
    assert queue.claim_probes(5, upstream=upstream, one_lost=False) == []
    assert queue.claim_probes(5, upstream=upstream, only_new=True) == []
    assert len(queue.claim_probes(5, upstream=upstream)) == 1


@pytest.mark.parametrize("upstream", [HOST, None])
def test_where_none_is_due_rows_ask_that_the_upstream_put_off(
    queue: StoryboardQueue, producer: psycopg.Connection, upstream: str | None
) -> None:
    """Otherwise a host that is well again is asked only in ten minutes, when the first is due."""
    code = "source_unavailable" if upstream else "storage_unavailable"
    often = put_off(producer, code, attempts=9)
    seldom = {put_off(producer, code) for _ in range(2)}
    put_off(producer, "image_truncated")
    put_off(producer, code, max_attempts=5)
    enqueue(producer, f"https://{HOST}/a", available_at=moment(producer, 600))
    assert queue.claim_probes(2, upstream=upstream, only_new=True) == []
    assert {claim.id for claim in queue.claim_probes(2, upstream=upstream)} == seldom
    assert [claim.id for claim in queue.claim_probes(2, upstream=upstream)] == [often]
    assert queue.claim_probes(2, upstream=upstream) == []


def test_only_new_rows_ask_where_only_those_are_wanted(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    bulk(producer, 3, attempts=1)
    assert queue.claim_probes(3, upstream=HOST, only_new=True) == []
    bulk(producer, 1)
    assert len(queue.claim_probes(3, upstream=HOST, only_new=True)) == 1


def test_rows_that_wait_or_are_dead_do_not_ask(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    url = f"https://{HOST}/a"
    enqueue(producer, url, available_at=moment(producer, 600))
    enqueue(producer, url, source_expires_at=moment(producer, -1))
    assert queue.claim_probes(5, upstream=HOST) == []


@pytest.mark.parametrize("group", [Group.NEW, Group.TRIED])
@pytest.mark.parametrize("differing", ["priority", "expiry", "moment", "nothing"])
def test_they_are_drawn_from_the_whole_backlog(
    queue: StoryboardQueue, producer: psycopg.Connection, group: Group, differing: str
) -> None:
    """Otherwise only the broken rows in front would ever be tried."""
    apart = {
        "priority": "n %% 50, NULL, now()",
        "expiry": "0, now() + make_interval(hours => n), now()",
        "moment": "0, NULL, now() - make_interval(mins => n)",
        "nothing": "0, NULL, now()",
    }
    producer.execute(
        "INSERT INTO storyboards (source_url, attempts, priority, source_expires_at, available_at)"
        f" SELECT %s || n, %s, {apart[differing]} FROM generate_series(1, 1000) AS n",
        [f"https://{HOST}/", int(group is Group.TRIED)],
    )
    places = places_in_rank(producer)
    asked = [places[claim.id] for _ in range(40) for claim in queue.claim_probes(1, upstream=HOST)]
    assert len(asked) == 40
    # By chance fewer than 8 of 40 fall into a half once in some 20,000 runs.
    assert sum(place > 500 for place in asked) >= 8
    assert sum(place <= 500 for place in asked) >= 8


def places_in_rank(producer: psycopg.Connection) -> dict[UUID, int]:
    found = producer.execute(
        "SELECT id, row_number() OVER (ORDER BY -priority::integer, "
        "effective_expires_at, available_at, id) FROM storyboards"
    )
    return dict(found.fetchall())


OUTAGES: list[tuple[str, str, bool]] = [
    (HOST, "source_unavailable", True),
    (HOST, "source_timeout", True),
    (HOST, "image_truncated", False),
    (HOST, "storage_unavailable", False),
    (STORAGE_UPSTREAM, "storage_unavailable", True),
    (STORAGE_UPSTREAM, "source_timeout", False),
]


def put_off(
    producer: psycopg.Connection,
    error_code: str = "source_timeout",
    seconds_ago: float = 100,
    host: str = HOST,
    again_in_seconds: float = 600,
    attempts: int = 3,
    **columns: int,
) -> UUID:
    """A row whose last attempt ended with this error."""
    return enqueue(
        producer,
        f"https://{host}/a",
        attempts=attempts,
        error_code=error_code,
        error_message="no",
        errored_at=moment(producer, -seconds_ago),
        available_at=moment(producer, again_in_seconds),
        **{"source_set_at": A_MOMENT, **columns},
    )


@pytest.mark.parametrize(("upstream", "error_code", "recalled"), OUTAGES)
def test_rows_that_an_outage_has_put_off_are_due_once_it_is_over(
    queue: StoryboardQueue,
    producer: psycopg.Connection,
    upstream: str,
    error_code: str,
    *,
    recalled: bool,
) -> None:
    storyboard_id = put_off(producer, error_code)
    before = storyboard(producer, storyboard_id)
    elsewhere = put_off(producer, error_code, host=f"{HOST}:8443")
    assert recall_all(queue, upstream, 300) == recalled * (1 + (upstream == STORAGE_UPSTREAM))
    assert (seconds_from_now(producer, storyboard_id, "available_at") <= 0) == recalled
    after = storyboard(producer, storyboard_id)
    assert after == {
        **before,
        "available_at": after["available_at"],
        "updated_at": after["updated_at"],
    }
    if upstream == HOST:
        assert seconds_from_now(producer, elsewhere, "available_at") > 500


def test_they_go_before_rows_that_have_failed_all_the_time(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    failing = put_off(producer, seconds_ago=500, again_in_seconds=-200)
    often = put_off(producer, attempts=9)
    later = put_off(producer, seconds_ago=500)
    of_the_outage = put_off(producer)
    soon = put_off(producer, again_in_seconds=-10)
    assert recall_all(queue, HOST, 300) == 3
    assert seconds_from_now(producer, later, "available_at") > 500
    claims = [claim.id for claim in queue.claim(5, group=Group.TRIED)]
    assert set(claims[:2]) == {of_the_outage, soon}
    assert claims[2:] == [often, failing]


def test_a_row_that_its_producer_put_off_stays_so(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    storyboard_id = enqueue(producer, f"https://{HOST}/a", available_at=moment(producer, 600))
    assert recall_all(queue, HOST, 300) == 0
    assert seconds_from_now(producer, storyboard_id, "available_at") > 500


def test_one_odd_row_does_not_keep_the_others_from_being_drawn(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    """No rows lie between it and the others, so each rank in between leads to the same row."""
    enqueue(producer, f"https://{HOST}/urgent", priority=1000)
    for number in range(100):
        enqueue(producer, f"https://{HOST}/{number:03}")
    drawn = [claim for _ in range(30) for claim in queue.claim_probes(1, upstream=HOST)]
    behind = [claim for claim in drawn if claim.source_url > f"https://{HOST}/050"]
    assert 1 <= len(behind) <= 29


@pytest.mark.parametrize("odd_priorities", [[1000], [-1000], range(100, 2100, 100)])
def test_odd_rows_do_not_bend_a_draw_from_a_large_backlog(
    queue: StoryboardQueue, producer: psycopg.Connection, odd_priorities: Sequence[int]
) -> None:
    """Each rank between them and the others leads to the same row."""
    later = moment(producer, 600)
    for priority in odd_priorities:
        enqueue(producer, f"https://{HOST}/odd", priority=priority, available_at=later)
    producer.execute(
        "INSERT INTO storyboards (source_url, source_expires_at) "
        "SELECT %s || n, now() + make_interval(secs => 3600 + n) FROM generate_series(1, 2400) n",
        [f"https://{HOST}/"],
    )
    places = places_in_rank(producer)
    drawn = [places[claim.id] for _ in range(40) for claim in queue.claim_probes(1, upstream=HOST)]
    assert len(drawn) == 40
    # The rows in front, from which the other half is drawn, might all be broken.
    assert sum(place > 1200 for place in drawn) >= 3
    assert sum(place <= 1200 for place in drawn) >= 3
