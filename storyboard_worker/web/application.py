"""Finds the route of a request, and turns errors into answers."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.errors import DatabaseUnavailable, RowsHidden, SchemaOutdated
from storyboard_worker.logs import event, log
from storyboard_worker.resources.exhaustion import exhaustion_in
from storyboard_worker.web.answers import problem

Handler = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``logged_as``: the line that each call is logged under with its answer; ``None``: no line."""

    handler: Handler
    logged_as: str | None


def route(
    path: str, handler: Handler, *methods: str, logged_as: str | None = None, acts: bool = False
) -> Rule:
    """``handler`` is called with the request and, by their names, the parts of ``path``.

    A route with GET has HEAD too, unless it ``acts``: HEAD must change nothing (RFC 9110, 9.2.1).
    """
    rule = Rule(path, endpoint=Endpoint(handler, logged_as), methods=methods)
    if acts and rule.methods is not None:
        rule.methods.discard("HEAD")
    return rule


class Application:
    """A WSGI application. ``crashed`` is called with each unexpected error."""

    def __init__(self, routes: Iterable[Rule], crashed: Callable[[Exception], None]) -> None:
        self._routes = Map(routes, merge_slashes=False, redirect_defaults=False)
        self._crashed = crashed

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = self._respond(Request(environ))
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        try:
            endpoint, parts = self._routes.bind_to_environ(request.environ).match()
        except MethodNotAllowed as error:
            allowed = ", ".join(sorted(error.valid_methods or ()))
            return problem(405, "the route does not have this method", {"Allow": allowed})
        except HTTPException as error:
            return problem(error.code or 500, (error.name or "error").lower())
        response = self._handle(endpoint.handler, request, parts)
        if endpoint.logged_as is not None:
            _log(endpoint.logged_as, response, parts)
        return response

    def _handle(self, handler: Handler, request: Request, parts: Mapping[str, Any]) -> Response:
        try:
            return handler(request, **parts)
        except RowsHidden as error:
            return problem(503, str(error))
        except DatabaseUnavailable:
            return problem(503, "the database does not answer")
        except SchemaOutdated:
            return problem(503, "the database is not migrated: storyboard-worker migrate")
        except Exception as error:  # noqa: BLE001  logged, reported, and the server goes on
            lack = exhaustion_in(error)
            if lack is not None:
                event(logging.WARNING, "a request was refused", reason=lack.message)
                return problem(503, lack.message)
            log.exception("a request failed unexpectedly")
            self._crashed(error)
            return problem(500, "an internal error; it has been reported")


def _log(message: str, response: Response, parts: Mapping[str, Any]) -> None:
    level = logging.INFO if response.status_code < HTTPStatus.BAD_REQUEST else logging.WARNING
    event(level, message, status=response.status_code, **parts, answer=response.get_json())
