"""The board's texts about error codes, against what else tells them, and the templates' form."""

import re

import pytest

from storyboard_worker.errors import ErrorCode
from storyboard_worker.queries.board.lives import Happening
from storyboard_worker.reporting.titles import IN_WORDS
from storyboard_worker.storyboard import Status, WorkerState
from storyboard_worker.web.board import assets, rendering
from storyboard_worker.web.board.notices import NOTICES
from storyboard_worker.web.board.verdict import Level
from storyboard_worker.web.texts.catalogue import Language, texts_in
from tests.support.pages import coded, table

ENGLISH = texts_in(Language.ENGLISH)
TEMPLATES = {path.name: path.read_text("utf-8") for path in rendering.FOLDER.glob("*.html")}
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def test_names_of_causes_are_the_titles_of_sentrys_issues() -> None:
    assert {code: ENGLISH(f"cause_name.{code}") for code in ErrorCode} == IN_WORDS


@pytest.mark.parametrize("row", table("error codes"), ids=lambda row: row[0].strip("`"))
def test_meaning_and_next_step_are_those_of_the_readme(row: list[str]) -> None:
    codes, means, step = row
    for code in coded(codes):
        assert ENGLISH(f"cause_means.{code}") == LINK.sub(r"\1", means)
        assert ENGLISH(f"cause_step.{code}") == LINK.sub(r"\1", step)


def test_every_value_that_a_page_names_has_a_text() -> None:
    """The keys that templates put together."""
    keys = {
        *(f"state.{state}" for state in Status),
        *(f"moment.{what}" for what in Happening),
        *(f"worker_state.{state}" for state in WorkerState),
        *(f"level.{level.name.lower()}" for level in Level),
        *NOTICES.values(),
    }
    assert keys <= ENGLISH.entries.keys()


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_holds_nothing_that_the_policy_refuses(name: str) -> None:
    text = TEMPLATES[name]
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|\|\s*safe|autoescape", text)
    assert not re.search(r"<script(?! src=\"\{\{ asset)", text)
    assert not re.search(r"https?://(?!www\.w3\.org)", text)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_holds_no_text_of_its_own(name: str) -> None:
    """All that people read stands in the catalogue."""
    filled = re.sub(r"\{[{%].*?[%}]\}", " ", TEMPLATES[name], flags=re.DOTALL)
    outside = re.sub(r"<[^>]*>|data-[a-z-]+=\"[^\"]*\"", " ", filled)
    assert re.findall(r"[A-Za-z]{2,}", outside) == []


def test_every_form_that_posts_holds_the_sessions_token() -> None:
    for name, text in TEMPLATES.items():
        for form in re.findall(r"<form method=\"post\".*?</form>", text, re.DOTALL):
            assert "session.form_token" in form or "/login" in form, name


def test_the_assets_load_nothing_from_elsewhere() -> None:
    for name in assets.KINDS:
        text = (assets.FOLDER / name).read_text("utf-8")
        assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org)", text), name
        assert name in assets.address_of(name)
