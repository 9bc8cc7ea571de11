"""Claims that pass over paused upstreams, or probe one of them."""

import psycopg
import pytest

from storyboard_worker.models import host_of
from storyboard_worker.queries.claims import StoryboardQueue
from tests.integration.producing import enqueue

HOSTS = {
    "https://images.example/a.jpeg": "images.example",
    "https://images.example": "images.example",
    "https://images.example?X-Tos-Date=1": "images.example",
    "https://images.example#part": "images.example",
    "http://images.example:8080/a.jpeg": "images.example",
    "https://images.example:/a.jpeg": "images.example",
    "HTTPS://Images.EXAMPLE/A.jpeg": "images.example",
    "https://user:secret@images.example/a.jpeg": "images.example",
    "https://user:s@cret@images.example:443/a.jpeg": "images.example",
    "https://images.example/@other.example/a.jpeg": "images.example",
    "https://images.example?at=@other.example": "images.example",
    "https://images.example/?to=https://other.example/": "images.example",
    "https://other.example/images.example": "other.example",
    "https://images.example.other.example/a.jpeg": "images.example.other.example",
    "https://192.0.2.7:9000/a.jpeg": "192.0.2.7",
    "https://[2001:DB8::1]/a.jpeg": "2001:db8::1",
    "https://[2001:db8::1]:8443/a.jpeg": "2001:db8::1",
    "https://user@[2001:db8::1]:8443/a.jpeg": "2001:db8::1",
    "https://images.example/[2001:db8::1]/a.jpeg": "images.example",
}


@pytest.mark.parametrize(("url", "host"), HOSTS.items())
def test_database_and_worker_read_the_same_host(
    queue: StoryboardQueue, producer: psycopg.Connection, url: str, host: str
) -> None:
    assert host_of(url) == host
    storyboard_id = enqueue(producer, url)
    assert queue.claim(5, without_hosts=[host]) == []
    [claim] = queue.claim(5, host=host)
    assert (claim.id, claim.host) == (storyboard_id, host)


def test_rows_of_paused_hosts_are_passed_over(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for url in HOSTS:
        enqueue(producer, url)
    paused = {"images.example", "2001:db8::1"}
    hosts = sorted(claim.host for claim in queue.claim(50, without_hosts=paused))
    assert hosts == ["192.0.2.7", "images.example.other.example", "other.example"]


def test_a_probe_takes_rows_of_one_host(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for url in HOSTS:
        enqueue(producer, url)
    assert [claim.host for claim in queue.claim(50, host="other.example")] == ["other.example"]
    assert len(queue.claim(1, host="images.example")) == 1
    assert queue.claim(5, host="unknown.example") == []


def test_paused_hosts_do_not_eat_up_the_limit(
    queue: StoryboardQueue, producer: psycopg.Connection
) -> None:
    for number in range(30):
        enqueue(producer, f"https://paused.example/{number}", priority=5)
    waiting = [enqueue(producer, f"https://fine.example/{number}") for number in range(3)]
    claims = queue.claim(3, without_hosts=["paused.example"])
    assert {claim.id for claim in claims} == set(waiting)
