"""PostgREST's answers: rows as JSON, and errors with their status.

https://docs.postgrest.org/en/stable/references/errors.html
"""

import json
from dataclasses import dataclass

import psycopg

from tests.support.postgrest_requests import Request

STATUS_OF_CLASS = {"08": 503, "53": 503, "57": 500, "XX": 500}
STATUS_OF_CODE = {"23503": 409, "23505": 409, "42P01": 404, "42883": 404}


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""


def of_rows(request: Request, rows: str, count: int, *, single: bool) -> Answer:
    """``rows``: a JSON array. With ``single`` its one element, or an error if it has not one."""
    written = {"POST": 201, "GET": 200}.get(request.method, 200 if request.returns_rows else 204)
    if not request.returns_rows:
        return Answer(written)
    if not single:
        return Answer(written, rows.encode())
    if count != 1:
        return _error(
            406,
            "PGRST116",
            "Cannot coerce the result to a single JSON object",
            f"The result contains {count} rows",
        )
    return Answer(written, json.dumps(json.loads(rows)[0]).encode())


def of_database_error(error: psycopg.Error, role: str) -> Answer:
    """A lack of rights is 401 for those who are not signed in, and 403 for others."""
    code = error.sqlstate or "XX000"
    if code == "42501":
        status = 401 if role == "anon" else 403
    else:
        status = STATUS_OF_CODE.get(code) or STATUS_OF_CLASS.get(code[:2], 400)
    diagnostics = error.diag
    return _error(
        status,
        code,
        diagnostics.message_primary or str(error),
        diagnostics.message_detail,
        diagnostics.message_hint,
    )


def of_wrong_key() -> Answer:
    return _error(401, "PGRST301", "No suitable key or wrong key type")


def of_unknown_request(what: str) -> Answer:
    return _error(400, "PGRST100", f"the stand-in for PostgREST does not know {what}")


def _error(
    status: int, code: str, message: str, details: str | None = None, hint: str | None = None
) -> Answer:
    text = {"code": code, "details": details, "hint": hint, "message": message}
    return Answer(status, json.dumps(text).encode())
