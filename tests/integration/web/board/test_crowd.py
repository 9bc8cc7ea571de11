"""Many readers of the board, and a database that is silent."""

from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.integration.web.served import Serve
from tests.support.board_browser import TOKEN, Browser, Document
from tests.support.database_proxy import DatabaseProxy

READERS = 12


def test_readers_of_a_silent_database_do_not_hold_up_health(serve: Serve, dsn: str) -> None:
    with DatabaseProxy(dsn) as proxy:
        served = serve(board_token=TOKEN, database_dsn=proxy.dsn, database_timeout_seconds=4)
        browser = Browser(served.port).sign_in()
        assert browser.get("/").status == 200
        proxy.is_silent = True
        with ThreadPoolExecutor(READERS) as readers:
            asked = [readers.submit(browser.get, "/") for _ in range(READERS)]
            turned_away = next(as_completed(asked)).result()
            assert turned_away.status == 503
            assert "Many people read the board" in Document(turned_away.text).text
            assert served.get("/healthz").status == 200
            assert not all(one.done() for one in asked), "health did not wait for the readers"
            assert {one.result().status for one in asked} == {503}
