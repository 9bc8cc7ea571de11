"""Who is signed in."""

import hmac

from werkzeug.wrappers import Request, Response

from storyboard_worker.settings.board_token import can_be_guessed
from storyboard_worker.web.board.guesses import Guesses, address_of
from storyboard_worker.web.board.sessions import LASTS_SECONDS, Session, Sessions

COOKIE = "storyboard_board"
SCHEME = "bearer"


class TooManyGuesses(Exception):
    """The address should wait for so many seconds.

    ``is_known_wrong``: its token was compared and is wrong. Otherwise the answer says nothing about
    the token.
    """

    def __init__(self, seconds: float, *, is_known_wrong: bool) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds
        self.is_known_wrong = is_known_wrong


class Access:
    """Compares tokens, and begins, finds and ends sessions.

    A pause after wrong tokens holds for the right one too where ``token`` can be guessed, since
    guessing would go on otherwise. A token that cannot be guessed always opens the board.
    """

    def __init__(self, token: str, sessions: Sessions, guesses: Guesses) -> None:
        self._token = token.encode()
        self._can_be_guessed = can_be_guessed(token)
        self._sessions = sessions
        self._guesses = guesses

    def session(self, request: Request) -> Session | None:
        """The session of the request's cookie, if it is signed in."""
        value = request.cookies.get(COOKIE)
        return None if value is None else self._sessions.read(value)

    def is_right(self, request: Request, token: str) -> bool:
        """Whether this is the board's token. Raises :class:`TooManyGuesses`."""
        address = address_of(request)
        is_right = hmac.compare_digest(token.encode("utf-8", "replace"), self._token)
        seconds = self._guesses.pause_seconds(address)
        if seconds > 0 and (self._can_be_guessed or not is_right):
            raise TooManyGuesses(seconds, is_known_wrong=not self._can_be_guessed)
        (self._guesses.was_right if is_right else self._guesses.was_wrong)(address)
        return is_right

    def shows_token(self, request: Request) -> bool | None:
        """Whether the request's bearer token is the board's; ``None`` if it has none.

        Raises :class:`TooManyGuesses`.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        # WSGI passes the bytes of headers as Latin-1.
        shown = token.strip().encode("latin-1", "replace").decode("utf-8", "replace")
        return self.is_right(request, shown)

    def sign_in(self, request: Request, response: Response) -> None:
        """Lax, and not strict: a link to a panel in a message must not end at the sign-in."""
        response.set_cookie(
            COOKIE,
            self._sessions.begin(),
            max_age=LASTS_SECONDS,
            secure=_came_by_https(request),
            httponly=True,
            samesite="Lax",
            path="/",
        )

    def sign_out(self, request: Request, response: Response, session: Session) -> None:
        self._sessions.end(session)
        response.delete_cookie(
            COOKIE, path="/", secure=_came_by_https(request), httponly=True, samesite="Lax"
        )


def _came_by_https(request: Request) -> bool:
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()
    return (forwarded or request.scheme).lower() == "https"
