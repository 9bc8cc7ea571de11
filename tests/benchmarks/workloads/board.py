"""What the board costs: its first page, an open page, and a worker's pace beside ten of them."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qsl

from tests.benchmarks.bulk import load_pending, load_ready
from tests.benchmarks.checks import check, wait_until
from tests.benchmarks.contestants import OURS_SIZE, OURS_TWO, Contestant, running
from tests.benchmarks.pace import Watched
from tests.benchmarks.report import Report
from tests.benchmarks.server import BenchDatabase, fresh_database
from tests.benchmarks.stage import Stage
from tests.benchmarks.tables import Table, figure, ratio
from tests.benchmarks.turns import sure_median, take_turns
from tests.benchmarks.upstreams import Conditions
from tests.support.board_browser import TOKEN, Browser
from tests.support.http_client import call
from tests.support.ports import free_port

OPEN_PAGES = 10
# As static/board.js asks while something changes.
ASK_SECONDS = 6.0
FIRST_PAGES = 20
WARM_UP_IMAGES = 300
# More than a worker copies in a second.
ROWS_PER_SECOND = 4000
# Until the server's statistics show what a session has done.
STATISTICS_SECONDS = 12.0


@dataclass(frozen=True)
class Found:
    """``first_page_ms`` on an idle worker. ``transactions_per_second`` are those of one open page.
    The paces are images a second."""

    first_page_ms: float
    transactions_per_second: float
    before: float
    beside: float
    after: float

    @property
    def alone(self) -> float:
        return (self.before + self.after) / 2


class OpenPage:
    """A tab that never learns what it is told, so each question is as expensive as can be."""

    def __init__(self, port: int) -> None:
        self._browser = Browser(port).sign_in()
        page = self._browser.see("/")
        [body] = page.all("body")
        versions = [given["data-shown"] for _, given in page.tags if "data-shown" in given]
        fields = dict(parse_qsl(body["data-asks"], keep_blank_values=True))
        self._path = body["data-live"]
        self._asked = {**fields, "shown": ",".join(versions)}

    def ask(self) -> None:
        status = self._browser.post(self._path, self._asked).status
        check(status == HTTPStatus.OK, f"an open page was answered {status}")


def board(stage: Stage) -> list[Report]:
    ready = stage.sized(1_000_000, 100_000)
    runs = {who.name: partial(_measure, stage, ready, who) for who in (OURS_SIZE, OURS_TWO)}
    found = take_turns("board", stage.options.rounds, runs)
    columns = ("first page ms", "transactions/s of a page", "images/s", "beside ten pages", "of it")
    title = f"board: {ready:,} ready rows, 4 KB images, 16 at once"
    note = "Worker, upstreams, Postgres and the open pages share the processors."
    rows = [[who, *_row(of_who)] for who, of_who in found.items()]
    return [Report(Table(title, columns, rows, [note]), found)]


def _row(found: Sequence[Found]) -> list[str]:
    alone = sure_median(found, lambda one: one.alone)
    beside = sure_median(found, lambda one: one.beside)
    return [
        figure(sure_median(found, lambda one: one.first_page_ms), "< 100"),
        figure(sure_median(found, lambda one: one.transactions_per_second), "< 0.5"),
        figure(alone),
        figure(beside),
        ratio(beside, alone, "≥ 0.95"),
    ]


def _measure(stage: Stage, ready: int, who: Contestant) -> Found:
    seconds = stage.sized(12, 6)
    port = free_port()
    served = {**who.settings, "PORT": str(port), "BOARD_TOKEN": TOKEN}
    contestant = Contestant(who.name, who.arguments, served)
    rows = int(ROWS_PER_SECOND * (3 * seconds + 2))
    with ExitStack() as stack:
        database = stack.enter_context(fresh_database(stage.server))
        upstreams = stack.enter_context(stage.upstreams(Conditions(4096)))
        load_ready(database, ready, upstreams.source_url)
        process = stack.enter_context(running(contestant, database.url, upstreams, at_once=16))
        wait_until(lambda: _answers(port), "the server to answer")
        first_page_ms = _first_page_ms(port)
        transactions = _transactions_of_a_page(stage, database, port)
        load_pending(database, rows, upstreams.source_url)
        with database.connect() as connection:
            connection.execute("NOTIFY storyboards")
        watched = Watched(contestant, process, upstreams)
        watched.wait_for(WARM_UP_IMAGES)
        before = watched.pace(seconds)
        with _open_pages(port):
            beside = watched.pace(seconds)
        return Found(first_page_ms, transactions, before, beside, watched.pace(seconds))


def _answers(port: int) -> bool:
    try:
        return call(port, "/healthz").status == HTTPStatus.OK
    except ConnectionRefusedError:
        return False


def _first_page_ms(port: int) -> float:
    browser = Browser(port).sign_in()
    times = []
    for _ in range(FIRST_PAGES):
        began_at = time.monotonic()
        page = browser.see("/")
        times.append((time.monotonic() - began_at) * 1000)
        check(any("data-shown" in given for _, given in page.tags), "the page shows no panel")
    return statistics.median(times)


def _transactions_of_a_page(stage: Stage, database: BenchDatabase, port: int) -> float:
    """Those of an idle worker with an open page, less those without."""
    seconds = stage.sized(60, 24)
    page = OpenPage(port)
    idle = _transactions(stage, database, lambda: time.sleep(seconds))

    def ask() -> None:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            page.ask()
            time.sleep(ASK_SECONDS)

    return (_transactions(stage, database, ask) - idle) / seconds


def _transactions(stage: Stage, database: BenchDatabase, during: Callable[[], None]) -> int:
    before = _counted(stage, database)
    during()
    return _counted(stage, database) - before


def _counted(stage: Stage, database: BenchDatabase) -> int:
    time.sleep(STATISTICS_SECONDS)
    query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
    row = stage.server.connection.execute(query, [database.name]).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _open_pages(port: int) -> Iterator[None]:
    """Each asks at its own moments."""
    pages = [OpenPage(port) for _ in range(OPEN_PAGES)]
    over = threading.Event()

    def keep_asking(page: OpenPage, first_after_seconds: float) -> None:
        wait_seconds = first_after_seconds
        while not over.wait(wait_seconds):
            page.ask()
            wait_seconds = ASK_SECONDS

    threads = [
        threading.Thread(target=keep_asking, args=(page, number * ASK_SECONDS / OPEN_PAGES))
        for number, page in enumerate(pages)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
