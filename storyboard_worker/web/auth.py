"""The bearer token of the routes that make the worker act."""

import hmac

from werkzeug.wrappers import Request, Response

from storyboard_worker.web.answers import problem

SCHEME = "bearer"


class Auth:
    """Without a ``secret`` its routes answer 404."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret

    def refusal(self, request: Request) -> Response | None:
        """``None`` for a request that carries the secret; else the answer that refuses it."""
        if self._secret is None:
            return problem(404, "not found")
        if self.is_shown(request):
            return None
        return problem(401, "the secret is missing or wrong", {"WWW-Authenticate": "Bearer"})

    def is_shown(self, request: Request) -> bool:
        """Whether the request carries the secret; never where there is none."""
        if self._secret is None:
            return False
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        # WSGI passes the bytes of headers as Latin-1.
        shown = token.strip().encode("latin-1", "replace")
        is_right = hmac.compare_digest(shown, self._secret.encode())
        return is_right and scheme.lower() == SCHEME
