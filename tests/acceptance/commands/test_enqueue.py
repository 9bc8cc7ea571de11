"""``enqueue``."""

from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from tests.support.panels import all_rows
from tests.support.producing import storyboard
from tests.support.running_command import StoryboardWorker
from tests.support.sentry_server import SentryServer

FIRST = "https://images.example/first.jpeg"
SECOND = "http://images.example:8080/second.png?X-Tos-Date=20260102T030405Z&X-Tos-Expires=86400"


def test_prints_an_id_for_each_url_in_their_order(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    added = storyboard_worker("enqueue", FIRST, SECOND, FIRST)

    assert added.code == 0
    assert added.err == ""
    ids = [UUID(line) for line in added.out.splitlines()]
    assert [storyboard(producer, id_)["source_url"] for id_ in ids] == [FIRST, SECOND, FIRST]
    assert len(all_rows(producer)) == 3


def test_json_holds_the_ids(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    added = storyboard_worker("enqueue", FIRST, "--project", "Großes Projekt 絵コンテ 🎬", "--json")

    assert added.code == 0
    (row,) = all_rows(producer)
    assert added.json == {"ids": [str(row["id"])]}
    assert row["project_id"] == "Großes Projekt 絵コンテ 🎬"
    assert row["status"] == "pending"


def test_a_list_may_hold_comments_and_empty_lines(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, tmp_path: Path
) -> None:
    urls = tmp_path / "urls.txt"
    # As some editors write it: with a byte order mark and carriage returns.
    urls.write_text(f"\ufeff{FIRST}\r\n\r\n  # later: {FIRST}\r\n{SECOND}  \r\n", "utf-8")

    added = storyboard_worker("enqueue", "--file", urls, FIRST)

    assert added.code == 0, added.shown()
    assert len(added.out.splitlines()) == 3
    assert sorted(row["source_url"] for row in all_rows(producer)) == [SECOND, FIRST, FIRST]


def test_a_list_may_come_through_a_pipe(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    added = storyboard_worker("enqueue", "--file", "-", "--json", stdin=f"{FIRST}\n{SECOND}\n")

    assert added.code == 0, added.shown()
    ids = [UUID(id_) for id_ in added.json["ids"]]
    assert [storyboard(producer, id_)["source_url"] for id_ in ids] == [FIRST, SECOND]


def test_text_that_is_no_url_is_refused_and_nothing_is_added(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    refused = storyboard_worker("enqueue", FIRST, "images.example/a.jpg")

    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.startswith("Error: URL 2 is not an http(s) URL: it must begin with http://")
    assert refused.err.count("\n") == 1
    assert all_rows(producer) == []


@pytest.mark.parametrize("wrong", [b"images.example/a.jpg", b"https://images.example/\x00.jpg"])
def test_the_line_of_a_wrong_url_is_named(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, wrong: bytes
) -> None:
    lines = b"\n".join([b"# two good ones", FIRST.encode(), SECOND.encode(), b"", wrong, b""])
    refused = storyboard_worker("enqueue", "--file", "-", FIRST, stdin=lines)

    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.startswith("Error: line 5 is not an http(s) URL: ")
    assert all_rows(producer) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"{FIRST}?{'q' * 16_400}", "line 2 has 16,434 bytes; the limit is 16,384"),
        (f"{FIRST}?{'ü' * 8_200}", "line 2 has 16,434 bytes; the limit is 16,384"),
        (f"https://{'qq.' * 85}/", "the host of line 2 has more than 253 characters"),
    ],
)
def test_an_overlong_url_is_refused_and_not_repeated(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, url: str, message: str
) -> None:
    refused = storyboard_worker("enqueue", "--file", "-", stdin=f"{FIRST}\n{url}\n")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"Error: {message}")
    assert refused.err.count("\n") == 1
    assert "qq" not in refused.err
    assert all_rows(producer) == []


def test_the_longest_urls_are_taken(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection
) -> None:
    url = f"https://{'q.' * 125}com/".ljust(16_384, "q")
    assert storyboard_worker("enqueue", url, "--project", "ü" * 512).code == 0
    (row,) = all_rows(producer)
    assert (row["source_url"], row["project_id"]) == (url, "ü" * 512)


@pytest.mark.parametrize(
    "arguments",
    [["enqueue", FIRST], ["list"], ["retry", "--all-failed"]],
)
def test_a_project_that_is_too_long_is_refused(
    without_settings: StoryboardWorker, arguments: list[str]
) -> None:
    refused = without_settings(*arguments, "--project", "ü" * 513)

    assert (refused.code, refused.out) == (2, "")
    assert "'--project': it has 1,026 bytes; the limit is 1,024" in refused.err
    assert refused.err.count("\n") == 1
    assert "ü" not in refused.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        ([], b"", "no URL given"),
        (["--file", "-"], b"# nothing\n\n", "no URL given"),
        (["--file", "-"], b"\xff\xfe\xfa", "--file is not UTF-8 text"),
        (["--file", "/nowhere/urls.txt"], b"", "No such file"),
        ([FIRST, "--project", b"\xff"], b"", "bytes that are not text"),
    ],
)
def test_nothing_to_add_is_a_usage_error(
    without_settings: StoryboardWorker, arguments: list[str], stdin: bytes, message: str
) -> None:
    refused = without_settings("enqueue", *arguments, stdin=stdin)

    assert refused.code == 2
    assert refused.out == ""
    assert message in refused.err


def test_the_producers_trace_is_written_on_the_row(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, sentry: SentryServer
) -> None:
    traced = {"SENTRY_DSN": sentry.dsn, "SENTRY_TRACES_SAMPLE_RATE": "1"}
    url = "https://images.example/a.jpg"
    (id_,) = storyboard_worker("enqueue", url, "--json", **traced).json["ids"]
    (published,) = sentry.transactions
    (span,) = published["spans"]
    assert span["op"] == "queue.publish"
    row = storyboard(producer, id_)
    trace_id = published["contexts"]["trace"]["trace_id"]
    assert row["sentry_trace"] == f"{trace_id}-{span['span_id']}-1"
    assert f"sentry-trace_id={trace_id}" in row["baggage"]


def test_without_tracing_no_trace_is_written(
    storyboard_worker: StoryboardWorker, producer: psycopg.Connection, sentry: SentryServer
) -> None:
    url = "https://images.example/a.jpg"
    (id_,) = storyboard_worker("enqueue", url, "--json", SENTRY_DSN=sentry.dsn).json["ids"]
    row = storyboard(producer, id_)
    assert (row["sentry_trace"], row["baggage"]) == (None, None)
    assert sentry.transactions == []
