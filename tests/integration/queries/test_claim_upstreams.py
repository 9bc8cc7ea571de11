"""Claims pass over upstreams that are left alone."""

import psycopg
import pytest

from storyboard_worker.queries.claims import StoryboardQueue
from storyboard_worker.storyboard import upstream_of
from tests.support.producing import enqueue

UPSTREAMS = {
    "https://images.example/a.jpeg": "images.example",
    "https://images.example": "images.example",
    "https://images.example?X-Tos-Date=1": "images.example",
    "https://images.example#part": "images.example",
    "https://images.example:443/a.jpeg": "images.example",
    "https://images.example:80/a.jpeg": "images.example:80",
    "http://images.example:80/a.jpeg": "images.example",
    "http://images.example:443/a.jpeg": "images.example:443",
    "http://images.example:8080/a.jpeg": "images.example:8080",
    "https://images.example:8080?at=images.example:443": "images.example:8080",
    "https://images.example:/a.jpeg": "images.example",
    "HTTPS://Images.EXAMPLE:443/A.jpeg": "images.example",
    "HTTP://Images.EXAMPLE:80": "images.example",
    "https://user:secret@images.example/a.jpeg": "images.example",
    "https://user:s@cret@images.example:443/a.jpeg": "images.example",
    "https://images.example/@other.example/a.jpeg": "images.example",
    "https://images.example?at=@other.example": "images.example",
    "https://images.example/?to=https://other.example/": "images.example",
    "https://other.example/images.example": "other.example",
    "https://images.example.other.example/a.jpeg": "images.example.other.example",
    "https://192.0.2.7:9000/a.jpeg": "192.0.2.7:9000",
    "https://[2001:DB8::1]/a.jpeg": "[2001:db8::1]",
    "https://[2001:db8::1]:443/a.jpeg": "[2001:db8::1]",
    "https://[2001:db8::1]:8443/a.jpeg": "[2001:db8::1]:8443",
    "https://user@[2001:db8::1]:8443/a.jpeg": "[2001:db8::1]:8443",
    "https://images.example/[2001:db8::1]/a.jpeg": "images.example",
}


@pytest.mark.parametrize(("url", "upstream"), UPSTREAMS.items())
def test_database_and_worker_read_the_same_upstream(
    queue: StoryboardQueue, producer: psycopg.Connection, url: str, upstream: str
) -> None:
    assert upstream_of(url) == upstream
    storyboard_id = enqueue(producer, url)
    assert queue.claim(5, without_upstreams=[upstream]) == []
    [claim] = queue.claim_probes(5, upstream=upstream)
    assert (claim.id, claim.upstream) == (storyboard_id, upstream)


def test_rows_of_upstreams_that_are_left_alone_are_passed_over(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for url in UPSTREAMS:
        enqueue(producer, url)
    avoided = {"images.example", "[2001:db8::1]", "192.0.2.7"}
    found = sorted(claim.upstream for claim in queue.claim(50, without_upstreams=avoided))
    assert found == sorted(name for name in UPSTREAMS.values() if name not in avoided)


def test_they_do_not_use_up_the_limit(queue: StoryboardQueue, producer: psycopg.Connection) -> None:
    for number in range(30):
        enqueue(producer, f"https://paused.example/{number}", priority=5)
    waiting = [enqueue(producer, f"https://fine.example/{number}") for number in range(3)]
    claims = queue.claim(3, without_upstreams=["paused.example"])
    assert {claim.id for claim in claims} == set(waiting)
