"""Signing in and out."""

import re

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from storyboard_worker.web.application import route
from storyboard_worker.web.board.forms import checked_form, form_of
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.sessions import Session

# Pages of the board, to which a form may lead back; never another site.
OWN_PAGE = re.compile(r"/(?:panels/[0-9a-f-]{36}|retry)?(?:\?[!-~]*)?")


class SignIn:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[Rule]:
        pages = self._pages
        return [
            route("/login", self.form, "GET"),
            route("/login", pages.guarded(self.sign_in), "POST"),
            route("/logout", pages.signed_in(self.sign_out), "POST"),
        ]

    def form(self, request: Request) -> Response:
        """The form alone, for a link."""
        if self._pages.access.session(request) is not None:
            return self._pages.go_to(request, "/")
        return self._pages.sign_in_form(request, 200)

    def sign_in(self, request: Request) -> Response:
        """No token of a session protects this form: there is none yet, and the board's own token,
        which another site does not know, is in it."""
        form = form_of(request)
        access = self._pages.access
        if not access.is_right(request, form.get("token", "").strip()):
            return self._pages.sign_in_form(request, wrong=True)
        response = self._pages.lead_to(own_page(form.get("to", "")))
        access.sign_in(request, response)
        return response

    def sign_out(self, request: Request, session: Session) -> Response:
        checked_form(request, session)
        response = self._pages.go_to(request, "/login")
        self._pages.access.sign_out(request, response, session)
        return response


def own_page(to: str) -> str:
    """``to`` if it is a page of the board, else the first one."""
    return to if OWN_PAGE.fullmatch(to) else "/"
