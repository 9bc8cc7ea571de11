"""``demo --keep-running``: the board, new panels, and the end."""

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from tests.support.board_browser import Browser, Document
from tests.support.http_client import call
from tests.support.ports import free_port
from tests.support.running_command import FreshStoryboardWorker, finish_process
from tests.support.running_demo import Shown, assert_nothing_left
from tests.support.waiting import eventually


def test_it_keeps_running_until_it_is_stopped(demo: FreshStoryboardWorker, folder: Path) -> None:
    port = free_port()
    shown = Shown(demo.start("demo", "--panels", "8", "--keep-running", PORT=str(port)))
    assert shown.port == port

    board = Browser(port).sign_in(shown.token)
    retried = [retry_new_panel(shown, board), retry_first_panel(shown, board)]
    added = look_around(shown)
    wanted = ", ".join(f"'{id_}'" for id_ in (*retried, added))
    eventually(
        lambda: len(shown.rows(f"id IN ({wanted}) AND status = 'ready'")) == len(retried) + 1
    )
    assert_pictures_are_shown(board)

    assert shown.interrupt() == 0
    assert_nothing_left(folder)


def retry_new_panel(shown: Shown, board: Browser) -> UUID:
    """The first panel of the first scene fails at once; the next come one by one."""
    failed = "project_id = 'demo, scene 1' AND position = 9 AND status = 'failed'"
    (id_,) = eventually(lambda: shown.rows(failed))
    form = board.see("/?state=failed&code=source_unavailable").form(f"/panels/{id_}/retry")
    assert board.submit(form).status == 200
    return id_


def retry_first_panel(shown: Shown, board: Browser) -> UUID:
    """A fault of the first panels lasts until the board is served."""
    (id_,) = shown.rows("error_code = 'image_truncated' AND project_id = 'demo'")
    assert board.submit(board.see(f"/panels/{id_}").form(f"/panels/{id_}/retry")).status == 200
    return id_


def look_around(shown: Shown) -> UUID:
    (url,) = re.findall(r"enqueue '(.*)'", shown.text)
    other_terminal = FreshStoryboardWorker(shown.exported)
    counting = other_terminal.start("status", "--json")
    (id_,) = other_terminal("enqueue", url, "--json").json["ids"]
    assert len(finish_process(counting).json["workers"]) == 1
    other_terminal.close()
    return UUID(id_)


def assert_pictures_are_shown(board: Browser) -> None:
    page = board.get("/")
    sources = [image["src"] for image in Document(page.text).all("img")]
    picture = urlsplit(next(source for source in sources if "/c_fill," in source))
    allowed = re.findall(r"img-src ([^;]*);", page.headers["content-security-policy"])
    assert f"http://{picture.netloc}" in allowed[0].split()
    assert call(picture.port or 0, picture.path, "HEAD").status == 200


def test_a_port_that_is_taken_is_refused_before_anything_starts(
    demo: FreshStoryboardWorker,
) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        ended = demo("demo", "--keep-running", PORT=str(port))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"Error: PORT={port} is taken")
