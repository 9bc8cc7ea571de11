"""Which language a request gets."""

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from storyboard_worker.web.texts.choice import mark_language, texts_for


def asking(query: str = "", accepted: str | None = None) -> Request:
    headers = [] if accepted is None else [("Accept-Language", accepted)]
    return Request(EnvironBuilder(query_string=query, headers=headers).get_environ())


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", None, "en"),
        ("", "", "en"),
        ("", "zh", "zh"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "zh-Hans", "zh"),
        ("", "zh-Hans-CN", "zh"),
        ("", "ZH_cn", "zh"),
        ("", "en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("", "en;q=0.5,zh-CN;q=0.9", "zh"),
        ("", "de-DE,de;q=0.9,zh-CN;q=0.5", "zh"),
        ("", "de", "en"),
        ("", "zh-TW", "en"),
        ("", "zh-Hant-HK,zh;q=0.5", "zh"),
        ("", "zh;q=0", "en"),
        ("", "*", "en"),
        ("", "a;q=x,;;,zh-CN", "zh"),
        ("lang=zh", "en", "zh"),
        ("lang=en", "zh-CN", "en"),
        ("lang=zh-CN", None, "zh"),
        ("lang=xx", "zh", "zh"),
        ("lang=", "zh", "zh"),
        ("lang=../../etc", None, "en"),
    ],
)
def test_choice(query: str, accepted: str | None, language: str) -> None:
    assert texts_for(asking(query, accepted)).language == language


@pytest.mark.parametrize(
    ("query", "accepted", "told", "varies"),
    [
        ("", "zh-CN", "zh-Hans", True),
        ("", None, "en", True),
        ("lang=zh", "en", "zh-Hans", False),
        ("lang=xx", "zh", "zh-Hans", True),
    ],
)
def test_headers(query: str, accepted: str | None, told: str, varies: bool) -> None:  # noqa: FBT001  a column of the table
    response = mark_language(Response(), asking(query, accepted))
    assert response.headers["Content-Language"] == told
    assert (response.headers.get("Vary") == "Accept-Language") == varies
