"""Reads a posted form. The server has bounded its length already."""

import hmac

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from storyboard_worker.web.board.same_site import Sender, sender_of
from storyboard_worker.web.board.sessions import Session

FORM = "application/x-www-form-urlencoded"
FIELD = "form_token"
HEADER = "X-Form-Token"


class FormRefused(Exception):
    """``status`` is what to answer, ``key`` the text that tells why."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key


def form_of(request: Request) -> MultiDict[str, str]:
    """The fields. Raises :class:`FormRefused` for another kind of body, or another site's form."""
    if sender_of(request) is Sender.OTHER:
        raise FormRefused(403, "problem.other_site")
    if request.mimetype != FORM:
        raise FormRefused(415, "problem.not_a_form")
    return request.form


def checked_form(request: Request, session: Session) -> MultiDict[str, str]:
    """Like :func:`form_of`; the form must hold the token of this session."""
    form = form_of(request)
    if not _is_token(form.get(FIELD, ""), session):
        raise FormRefused(403, "problem.old_form")
    return form


def may_act(request: Request, session: Session) -> bool:
    """Whether a call of a program with the session's cookie is no other site's.

    Every browser says of a post to another site where it comes from. A call that says nothing is a
    program's. ``Origin: null`` hides where it comes from, so it needs the token as a header.
    """
    sender = sender_of(request)
    if sender is Sender.UNKNOWN and "Origin" in request.headers:
        return _is_token(request.headers.get(HEADER, ""), session)
    return sender is not Sender.OTHER


def _is_token(given: str, session: Session) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), session.form_token.encode())
