"""A filter that changes something is taken as it is given, or refused."""

from urllib.parse import urlencode

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from storyboard_worker.queries.board.filters import PanelFilter
from storyboard_worker.storyboard import Status
from storyboard_worker.web.board.exact_filter import failed_panels
from storyboard_worker.web.board.forms import FormRefused
from storyboard_worker.web.board.wanted import MOST_CHARACTERS, Wanted


def asked(query: str) -> Request:
    return Request(EnvironBuilder(path="/retry", query_string=query).get_environ())


@pytest.mark.parametrize(
    "project", [" lead", "trail ", "\t", "\u3000", "a\nb", "x" * 1024, "%FF", "a%b_c", "q+&=#?/"]
)
def test_a_project_is_taken_as_it_is(project: str) -> None:
    query = urlencode({"state": "failed", "project": project, "lang": "zh"})
    expected = Wanted(PanelFilter(state=Status.FAILED, project=project))
    assert failed_panels(asked(query)) == expected


def test_without_a_state_the_failed_ones_are_meant() -> None:
    assert failed_panels(asked("")) == Wanted(PanelFilter(state=Status.FAILED))


@pytest.mark.parametrize(
    "query",
    [
        *("project=", "code=", "host=", "text=", "state="),
        *("state=ready", "state=nonsense", "state=FAILED"),
        *("text=+a", "text=a%E3%80%80", "text=" + "x" * (MOST_CHARACTERS + 1)),
        *("project=a%00b", "project=%FF", "project=a%E3", "host=IMAGES.example"),
        *("project=a&project=b", "project=a&project=a", "projekt=a", "Project=a"),
        *("older=nonsense", "after=x", "since=2h", "notice=retried"),
    ],
)
def test_what_is_read_otherwise_is_refused(query: str) -> None:
    with pytest.raises(FormRefused) as refused:
        failed_panels(asked(query))
    assert (refused.value.status, refused.value.key) == (400, "problem.unclear_filter")
