"""The page's server code with the real supabase-js: every statement of a producer."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.api_keys import api_key
from tests.support.node_calls import JavaScriptError, Node
from tests.support.producing import (
    FAILED,
    NO_ERROR,
    NO_OUTCOME,
    OTHER_URL,
    PROCESSING,
    READY,
    URL,
    enqueue,
    only,
    storyboard,
)

SERVER = "lib/storyboards/server.js"
ACTIONS = "app/projects/[id]/actions.js"
ROUTE = "app/api/storyboards/route.js"
SIGNED = f"{URL}?X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400"


def count(producer: psycopg.Connection) -> int:
    row = producer.execute("SELECT count(*) FROM storyboards").fetchone()
    assert row is not None
    return int(row[0])


def test_enqueue_answers_the_id_of_a_row_whose_expiry_was_read(
    app: Node, producer: psycopg.Connection
) -> None:
    row = storyboard(producer, UUID(app.call(SERVER, "enqueue", "p", 3, SIGNED)))
    assert (row["project_id"], row["position"], row["source_url"]) == ("p", 3, SIGNED)
    assert row["status"] == "pending"
    assert row["source_expires_at"] is not None


def test_progress_is_the_projects_in_the_order_of_their_positions(
    app: Node, producer: psycopg.Connection
) -> None:
    last = enqueue(producer, project_id="p", position=2, **FAILED)
    first = enqueue(producer, project_id="p", position=1, **READY)
    enqueue(producer, project_id="another")
    shown = app.call(SERVER, "progressOf", "p")
    assert [row["id"] for row in shown] == [str(first), str(last)]
    assert [row["status"] for row in shown] == ["ready", "failed"]
    assert [row["can_retry"] for row in shown] == [False, True]
    assert shown[0]["cdn_url"] == READY["cdn_url"]
    assert "source_url" not in shown[0]


def test_retry_puts_a_failed_row_back(app: Node, producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, project_id="p", **FAILED)
    assert app.call(SERVER, "retry", "p", str(storyboard_id)) is True
    row = storyboard(producer, storyboard_id)
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert only(row, NO_ERROR) == NO_ERROR


def test_a_second_click_on_retry_changes_nothing(app: Node, producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, project_id="p", **PROCESSING)
    assert app.call(SERVER, "retry", "p", str(storyboard_id)) is False
    assert only(storyboard(producer, storyboard_id), PROCESSING) == PROCESSING


@pytest.mark.parametrize("state", [READY, PROCESSING, FAILED], ids=lambda state: state["status"])
def test_regenerate_starts_afresh_and_keeps_the_picture(
    app: Node, producer: psycopg.Connection, state: dict[str, Any]
) -> None:
    storyboard_id = enqueue(producer, project_id="p", **state)
    assert app.call(SERVER, "regenerate", "p", str(storyboard_id), OTHER_URL) is True
    row = storyboard(producer, storyboard_id)
    assert (row["status"], row["attempts"], row["source_url"]) == ("pending", 0, OTHER_URL)
    assert only(row, NO_OUTCOME) == NO_OUTCOME
    [shown] = app.call(SERVER, "progressOf", "p")
    assert (shown["cdn_url"], shown["picture_url"]) == (None, state.get("cdn_url"))


def test_remove_deletes_the_row(app: Node, producer: psycopg.Connection) -> None:
    storyboard_id = enqueue(producer, project_id="p", **PROCESSING)
    assert app.call(SERVER, "remove", "p", str(storyboard_id)) is True
    assert count(producer) == 0


@pytest.mark.parametrize("function", ["retry", "regenerate", "remove"])
def test_a_row_of_another_project_stays_as_it_is(
    app: Node, producer: psycopg.Connection, function: str
) -> None:
    storyboard_id = enqueue(producer, project_id="of-others", **FAILED)
    before = storyboard(producer, storyboard_id)
    assert app.call(SERVER, function, "p", str(storyboard_id), OTHER_URL) is False
    assert storyboard(producer, storyboard_id) == before


def calls(storyboard_id: object) -> list[tuple[str, tuple[object, ...]]]:
    return [
        ("enqueue", ("p", 1, URL)),
        ("progressOf", ("p",)),
        ("retry", ("p", storyboard_id)),
        ("regenerate", ("p", storyboard_id, OTHER_URL)),
        ("remove", ("p", storyboard_id)),
    ]


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_a_key_of_the_browser_is_refused_for_everything(
    app: Node, producer: psycopg.Connection, role: str
) -> None:
    storyboard_id = enqueue(producer, project_id="p", **FAILED)
    before = storyboard(producer, storyboard_id)
    app.set_variables(SUPABASE_SERVICE_ROLE_KEY=api_key(role))
    for function, arguments in calls(str(storyboard_id)):
        with pytest.raises(JavaScriptError, match="permission denied") as refused:
            app.call(SERVER, function, *arguments)
        assert refused.value.fields["code"] == "42501", function
    assert storyboard(producer, storyboard_id) == before
    assert count(producer) == 1


def test_a_key_of_another_project_is_refused(app: Node) -> None:
    app.set_variables(SUPABASE_SERVICE_ROLE_KEY=api_key("service_role", b"another secret"))
    with pytest.raises(JavaScriptError) as refused:
        app.call(SERVER, "progressOf", "p")
    assert refused.value.fields["code"] == "PGRST301"


@pytest.mark.parametrize(
    ("url", "constraint"),
    [
        ("ftp://images.example/a.jpeg", "storyboards_source_url_check"),
        ("not a link", "storyboards_source_url_check"),
        (f"https://images.example/{'a' * 17_000}", "storyboards_source_url_length_check"),
    ],
    ids=["scheme", "no link", "too long"],
)
def test_a_bad_url_names_the_check_that_refuses_it(
    app: Node, producer: psycopg.Connection, url: str, constraint: str
) -> None:
    storyboard_id = enqueue(producer, project_id="p")
    for function, arguments in (
        ("enqueue", ("p", 1, url)),
        ("regenerate", ("p", str(storyboard_id), url)),
    ):
        with pytest.raises(JavaScriptError, match=constraint) as refused:
            app.call(SERVER, function, *arguments)
        assert refused.value.fields["code"] == "23514"
    assert storyboard(producer, storyboard_id)["source_url"] == URL


def test_a_malformed_id_is_an_error(app: Node) -> None:
    with pytest.raises(JavaScriptError) as refused:
        app.call(SERVER, "remove", "p", {"an": "object"})
    assert refused.value.fields["code"] == "22P02"


def test_the_actions_do_it_for_a_member(app: Node, producer: psycopg.Connection) -> None:
    app.call(ACTIONS, "addPanel", "p", 1, "a-cat")
    [row] = app.call(SERVER, "progressOf", "p")
    storyboard_id = UUID(row["id"])
    assert storyboard(producer, storyboard_id)["source_url"] == "https://images.example/a-cat.jpeg"
    producer.execute(
        "UPDATE storyboards SET status = 'failed', error_code = 'source_timeout', "
        "errored_at = now()"
    )
    app.call(ACTIONS, "retryPanel", "p", row["id"])
    assert storyboard(producer, storyboard_id)["status"] == "pending"
    app.call(ACTIONS, "regeneratePanel", "p", row["id"], "a-dog")
    assert storyboard(producer, storyboard_id)["source_url"] == "https://images.example/a-dog.jpeg"
    app.call(ACTIONS, "removePanel", "p", row["id"])
    assert count(producer) == 0


@pytest.mark.parametrize("action", ["addPanel", "retryPanel", "regeneratePanel", "removePanel"])
def test_an_action_of_a_stranger_changes_nothing(
    app: Node, producer: psycopg.Connection, action: str
) -> None:
    storyboard_id = enqueue(producer, project_id="of-others", **FAILED)
    before = storyboard(producer, storyboard_id)
    with pytest.raises(JavaScriptError, match="not a member"):
        app.call(ACTIONS, action, "of-others", str(storyboard_id), "a-cat")
    assert storyboard(producer, storyboard_id) == before
    assert count(producer) == 1


def test_the_route_answers_what_the_view_shows(app: Node, producer: psycopg.Connection) -> None:
    enqueue(producer, project_id="a b&c", position=1, **READY)
    request = f"http://127.0.0.1/api/storyboards?project_id={'a%20b%26c'}"
    answer = app.call("scenarios/requests.js", "get", request)
    assert answer["status"] == 200
    assert answer["headers"]["cache-control"] == "no-store"
    assert answer["body"] == app.call("scenarios/requests.js", "asText", "a b&c")


@pytest.mark.parametrize("query", ["", "?project_id=of-others"])
def test_the_route_answers_no_stranger(app: Node, query: str) -> None:
    with pytest.raises(JavaScriptError, match="not a member"):
        app.call("scenarios/requests.js", "get", f"http://127.0.0.1/api/storyboards{query}")


def test_an_unknown_id_changes_nothing(app: Node) -> None:
    assert app.call(SERVER, "remove", "p", str(uuid4())) is False
