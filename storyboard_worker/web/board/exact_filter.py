"""The filter of a form that changes something: taken as it was given, or refused.

A part that is left out would make the change wider than what was asked for.
"""

from dataclasses import replace
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Request

from storyboard_worker.storyboard import Status
from storyboard_worker.web.board.forms import FormRefused
from storyboard_worker.web.board.wanted import Wanted, wanted_by
from storyboard_worker.web.texts.choice import PARAMETER


def failed_panels(request: Request) -> Wanted:
    """The failed panels that fit the filter in the request's address.

    Raises :class:`FormRefused` where the address has a part that no filter has, that is given
    twice, or that would be read otherwise than it is written.
    """
    given = [pair for pair in request.args.items(multi=True) if pair[0] != PARAMETER]
    wanted = wanted_by(dict(given))
    is_exact = sorted(given) == sorted(wanted.pairs.items())
    if not is_exact or not _is_utf8(request) or Status.FAILED not in wanted.which.states:
        raise FormRefused(400, "problem.unclear_filter")
    return Wanted(replace(wanted.which, state=Status.FAILED))


def _is_utf8(request: Request) -> bool:
    """Other bytes would count as the text of their escapes."""
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        return False
    return True
