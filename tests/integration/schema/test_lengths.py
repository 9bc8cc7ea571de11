"""URLs, hosts and project keys above their limits are refused."""

from typing import Any

import psycopg
import pytest

from tests.support.producing import (
    FAILED,
    PROCESSING,
    READY,
    URL,
    change,
    enqueue,
    storyboard,
)

MOST_URL_BYTES = 16_384
URL_CHECK = "storyboards_source_url_length_check"
HOST_CHECK = "storyboards_source_host_length_check"
PROJECT_CHECK = "storyboards_project_id_length_check"
# No label of it is longer than the limit.
LONGEST_HOST = f"{'a.' * 125}com"


def url_of(length: int) -> str:
    return URL + "?" + "q" * (length - len(URL) - 1)


@pytest.mark.parametrize("columns", [{}, PROCESSING, READY, FAILED])
def test_the_longest_url_is_taken(producer: psycopg.Connection, columns: dict[str, Any]) -> None:
    longest = url_of(MOST_URL_BYTES)
    assert storyboard(producer, enqueue(producer, longest, **columns))["source_url"] == longest


@pytest.mark.parametrize("columns", [{}, PROCESSING])
@pytest.mark.parametrize(
    "url",
    [
        url_of(MOST_URL_BYTES + 1),
        url_of(1_000_000),
        # The limit counts bytes, not characters.
        URL + "?" + "ü" * 8_200,
    ],
    ids=len,
)
def test_a_longer_url_is_refused(
    producer: psycopg.Connection, url: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=URL_CHECK):
        enqueue(producer, url, **columns)


@pytest.mark.parametrize(
    "url",
    [
        f"https://{LONGEST_HOST}",
        f"https://{LONGEST_HOST}:65535/a.jpeg?b",
        f"https://{LONGEST_HOST}?b@c",
        f"https://{LONGEST_HOST}#/",
        f"https://user:{'p' * 300}@{LONGEST_HOST}/a.jpeg",
        f"https://images.example/{'a' * 300}",
        f"https://images.example?{'a' * 300}",
        f"https://images.example:{'8' * 300}/",
        f"https://{'ü' * 253}/a.jpeg",
        f"https://[{'a' * 253}]:443/a.jpeg",
    ],
)
def test_the_longest_host_is_taken(producer: psycopg.Connection, url: str) -> None:
    enqueue(producer, url)


@pytest.mark.parametrize(
    "url",
    [
        f"https://a{LONGEST_HOST}",
        f"https://a{LONGEST_HOST}:443/a.jpeg",
        f"https://user@a{LONGEST_HOST}?b",
        f"HTTP://a{LONGEST_HOST}#b",
        f"https://{'ü' * 254}/a.jpeg",
        f"https://[{':' * 254}]/a.jpeg",
    ],
)
def test_a_longer_host_is_refused(producer: psycopg.Connection, url: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=HOST_CHECK):
        enqueue(producer, url)


@pytest.mark.parametrize("project_id", [None, "", "p" * 1024, "ü" * 512])
def test_the_longest_project_is_taken(producer: psycopg.Connection, project_id: str | None) -> None:
    enqueue(producer, project_id=project_id)


@pytest.mark.parametrize("project_id", ["p" * 1025, "ü" * 513, "p" * 1_000_000])
@pytest.mark.parametrize("columns", [{}, READY])
def test_a_longer_project_is_refused(
    producer: psycopg.Connection, project_id: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=PROJECT_CHECK):
        enqueue(producer, project_id=project_id, **columns)


@pytest.mark.parametrize("columns", [{}, PROCESSING, READY, FAILED])
def test_no_row_is_given_a_longer_url(
    producer: psycopg.Connection, columns: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, **columns)
    before = storyboard(producer, storyboard_id)
    with pytest.raises(psycopg.errors.CheckViolation, match=URL_CHECK):
        change(producer, storyboard_id, source_url=url_of(MOST_URL_BYTES + 1))
    assert storyboard(producer, storyboard_id) == before


@pytest.mark.parametrize("columns", [READY, FAILED])
def test_a_finished_row_with_a_longer_url_may_be_restored_but_not_retried(
    producer: psycopg.Connection, columns: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, url_of(MOST_URL_BYTES + 1), **columns)
    change(producer, storyboard_id, priority=1)
    with pytest.raises(psycopg.errors.CheckViolation, match=URL_CHECK):
        change(producer, storyboard_id, status="pending")
    assert change(producer, storyboard_id, source_url=URL)["status"] == "pending"
