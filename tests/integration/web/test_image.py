"""The image route: the picture where there is one, a placeholder otherwise."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import psycopg
import pytest

from storyboard_worker.database import Database
from storyboard_worker.demo.origin import Origin
from storyboard_worker.settings.reading import Settings
from storyboard_worker.web.picture.placeholder import POLICY
from tests.integration.web.served import AWAY, Serve, Served
from tests.support.http_client import Reply, call
from tests.support.panels import enqueue_panel, plant
from tests.support.producing import (
    FAILED,
    OUTCOME,
    PENDING,
    PROCESSING,
    READY,
    WAITING,
    change,
    delete,
    enqueue,
    storyboard,
)

HEAD = "https://res.cloudinary.com/demo/image/upload/"
PICTURE = "v1700000000/storyboards/7f-0a1b2c3d4e.jpg"
AT_CLOUDINARY = {**READY, "cdn_url": HEAD + PICTURE}
UNKNOWN = "5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a"
IN_WORK = "Storyboard is being processed, please refresh in a few minutes"
TITLE = "{http://www.w3.org/2000/svg}title"


def image(served: Served, storyboard_id: object, query: str = "", **kwargs: Any) -> Reply:
    return served.get(f"/api/storyboards/{storyboard_id}/image{query}", **kwargs)


def title(reply: Reply) -> str:
    """Of a placeholder, which has all that every placeholder has."""
    assert reply.headers["content-type"].partition(";")[0] == "image/svg+xml"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert_shared(reply)
    found = ET.fromstring(reply.text).findtext(TITLE)
    assert found
    return found


def assert_shared(reply: Reply) -> None:
    """Pages of other origins may show it and read when to ask again."""
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-expose-headers"] == "Retry-After"


@pytest.mark.parametrize(
    ("columns", "message", "asks_again"),
    [
        (PENDING, IN_WORK, True),
        (WAITING, IN_WORK, True),
        (PROCESSING, IN_WORK, True),
        (FAILED, "Download failed, click to retry", False),
        (
            {**FAILED, "error_code": "source_expired"},
            "This link has expired, please generate the image again",
            False,
        ),
    ],
    ids=["pending", "waiting", "processing", "failed", "expired"],
)
def test_a_row_without_a_picture(
    served: Served,
    producer: psycopg.Connection,
    columns: dict[str, Any],
    message: str,
    asks_again: bool,  # noqa: FBT001  a parameter
) -> None:
    reply = image(served, enqueue(producer, **columns))
    assert reply.status == 200
    assert title(reply) == message
    assert ("retry-after" in reply.headers) == asks_again


def test_a_placeholder_has_the_size_and_the_language_asked_for(
    served: Served, producer: psycopg.Connection
) -> None:
    id_ = enqueue(producer)
    reply = image(served, id_, "?w=320&h=240&lang=zh")
    svg = ET.fromstring(reply.text)
    assert (svg.get("width"), svg.get("height")) == ("320", "240")
    assert title(reply) == "分镜图正在处理中，请几分钟后刷新"
    assert reply.headers["content-language"] == "zh-Hans"
    assert "vary" not in reply.headers
    reply = image(served, id_, headers={"Accept-Language": "zh-CN,en;q=0.8"})
    assert reply.headers["content-language"] == "zh-Hans"
    assert reply.headers["vary"] == "Accept-Language"


@pytest.mark.parametrize(
    ("delivery", "query", "transformation"),
    [
        (None, "", ""),
        (None, "?w=640", "c_limit,w_640/"),
        (None, "?w=640&h=20&lang=zh", "c_limit,w_640/"),
        (None, "?w=1", "c_limit,w_16/"),
        (None, "?w=99999", "c_limit,w_4096/"),
        (None, "?w=wide", ""),
        ("f_auto,q_auto", "", "f_auto,q_auto/"),
        ("f_auto,q_auto", "?w=640", "c_limit,w_640/f_auto,q_auto/"),
    ],
)
def test_a_row_with_a_picture(
    serve: Serve,
    settings: Settings,
    producer: psycopg.Connection,
    delivery: str | None,
    query: str,
    transformation: str,
) -> None:
    id_ = enqueue(producer, **AT_CLOUDINARY)
    reply = image(serve(**delivering(settings, delivery)), id_, query)
    assert reply.status == 302
    assert reply.headers["location"] == HEAD + transformation + PICTURE
    assert reply.headers["cache-control"] == "no-cache"
    assert_shared(reply)
    assert reply.text == ""


def delivering(settings: Settings, delivery: str | None) -> dict[str, Any]:
    assert settings.cloudinary is not None
    return {"cloudinary": replace(settings.cloudinary, delivery=delivery)}


def test_a_picture_elsewhere_is_led_to_as_it_is(
    served: Served, producer: psycopg.Connection
) -> None:
    reply = image(served, enqueue(producer, **READY), "?w=640")
    assert (reply.status, reply.headers["location"]) == (302, OUTCOME["cdn_url"])


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "/etc", "https://a.example/\r\nSet-Cookie: a=b", "https://a b"]
)
def test_no_other_link_is_led_to(served: Served, producer: psycopg.Connection, link: str) -> None:
    id_ = enqueue(producer, **{**READY, "cdn_url": link})
    reply = image(served, id_)
    assert (reply.status, title(reply)) == (200, "Storyboard is ready")
    assert "location" not in reply.headers
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    "id_", ["5f0c7b4e-9a53-4f0e-8a9d-3c1f3a1f6f2a", "nonsense", "1", "%00", "a" * 300, "%E5%9B%BE"]
)
def test_an_unknown_or_malformed_id(served: Served, id_: str) -> None:
    reply = image(served, id_)
    assert (reply.status, title(reply)) == (404, "There is no such storyboard")
    assert "retry-after" not in reply.headers


def test_a_row_that_is_deleted_is_unknown_soon(
    served: Served, producer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = enqueue(producer)
    assert image(served, id_).status == 200
    delete(producer, id_)
    forget(served, monkeypatch)
    assert image(served, id_).status == 404


def forget(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request reads its row anew."""
    monkeypatch.setattr(served.http._pictures, "_fresh_seconds", 0.0)


def test_only_a_database_that_is_away_is_a_503(serve: Serve, empty_dsn: str) -> None:
    for dsn in (AWAY, empty_dsn):
        reply = image(serve(database_dsn=dsn), uuid4(), "?w=200")
        assert reply.status == 503
        assert title(reply).startswith("Storyboards cannot be shown at the moment")
        assert "retry-after" in reply.headers


@pytest.mark.parametrize("columns", [PENDING, AT_CLOUDINARY])
def test_head_is_get_without_the_body(
    served: Served, producer: psycopg.Connection, columns: dict[str, Any]
) -> None:
    id_ = enqueue(producer, **columns)
    got, head = image(served, id_), image(served, id_, method="HEAD")
    assert (head.status, head.text) == (got.status, "")
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
    assert call(served.port, f"/api/storyboards/{id_}/image", "POST").status == 405


def test_no_text_of_a_producer_is_in_it(served: Served, producer: psycopg.Connection) -> None:
    hostile = "</title><script>alert(1)</script>"
    columns = {**FAILED, "error_message": hostile, "error_code": "unexpected"}
    id_ = enqueue(producer, f"https://images.example/{hostile}", project_id=hostile, **columns)
    reply = image(served, id_, f"?lang={hostile}&w={hostile}&h={hostile}".replace(" ", ""))
    assert reply.status == 200
    assert "script" not in reply.text + str(reply.headers)
    assert "images.example" not in reply.text


def test_the_old_picture_is_shown_until_the_new_one_is_ready(
    served: Served,
    producer: psycopg.Connection,
    origin: Origin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forget(served, monkeypatch)
    id_ = enqueue_panel(producer, origin, "old.jpg")
    assert image(served, id_).status == 200
    served.process(id_)
    old = location(served, id_)
    assert old == storyboard(producer, id_)["cdn_url"]
    change(producer, id_, source_url=plant(origin, "new.jpg"))
    assert location(served, id_) == old
    served.process(id_)
    new = location(served, id_)
    assert new == storyboard(producer, id_)["cdn_url"] != old


def location(served: Served, id_: UUID) -> str:
    reply = image(served, id_)
    assert reply.status == 302
    return reply.headers["location"]


def test_a_flood_of_requests_costs_few_statements(
    served: Served, producer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [enqueue(producer) for _ in range(3)]
    statements: list[object] = []
    real = Database.run

    def counted(self: Database, asked: Any) -> Any:
        statements.append(asked)
        return real(self, asked)

    monkeypatch.setattr(Database, "run", counted)
    monkeypatch.setattr(served.http._pictures, "_fresh_seconds", 600.0)
    with ThreadPoolExecutor(30) as clients:
        replies = list(clients.map(lambda number: image(served, ids[number % 3]), range(90)))
    assert {reply.status for reply in replies} == {200}
    assert 1 <= len(statements) <= 3
