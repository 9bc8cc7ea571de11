"""A stand-in for Supabase's REST interface, PostgREST, in front of the tests' real Postgres.

PostgREST itself is a program that no package registry of the tests has. This stand-in answers the
few requests of ``.github/NEXTJS.md`` as PostgREST documents them
(https://docs.postgrest.org/en/stable/references/api.html), each in a transaction of its own under
the role of its key. Any other request gets an error that says so.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg

from tests.support.api_keys import WrongKeyError, role_of
from tests.support.postgrest_answers import (
    Answer,
    of_database_error,
    of_rows,
    of_unknown_request,
    of_wrong_key,
)
from tests.support.postgrest_requests import Request, UnknownRequestError, parse

SINGLE_OBJECT = "application/vnd.pgrst.object+json"


@contextmanager
def postgrest_stand_in(dsn: str) -> Iterator[str]:
    """The address of a Supabase project whose database is ``dsn``, served until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._say(answer_to(dsn, self.command, self.path, headers, body))

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """A test shows what was asked; a log of it would be noise."""

        def _say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer_to(dsn: str, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
    """``headers`` under lower-case names."""
    try:
        role = role_of(headers.get("authorization", ""))
    except WrongKeyError:
        return of_wrong_key()
    try:
        request = parse(method, target, headers.get("prefer", ""), body)
    except UnknownRequestError as error:
        return of_unknown_request(str(error))
    try:
        return _done(dsn, role, request, single=headers.get("accept") == SINGLE_OBJECT)
    except psycopg.Error as error:
        return of_database_error(error, role)


def _done(dsn: str, role: str, request: Request, *, single: bool) -> Answer:
    with psycopg.connect(dsn) as connection, connection.transaction() as transaction:
        connection.execute(f"SET LOCAL ROLE {role}")
        row = connection.execute(request.statement).fetchone()
        assert row is not None
        count, rows = row
        answer = of_rows(request, rows, count, single=single)
        if answer.status >= 400:
            raise psycopg.Rollback(transaction)
    return answer
