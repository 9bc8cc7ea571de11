"""Both languages are complete, and no text is left over."""

import re
import string
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import storyboard_worker
from storyboard_worker.web.texts.catalogue import VIEW, Language, Texts, texts_in
from tests.support.pages import ROOT

ENGLISH, CHINESE = texts_in(Language.ENGLISH), texts_in(Language.CHINESE)
SOURCES = "\n".join(
    path.read_text("utf-8")
    for path in sorted((ROOT / storyboard_worker.__name__ / "web").rglob("*"))
    if path.suffix in {".py", ".html", ".jinja", ".j2", ".svg", ".js"}
)
# `text("board.title")`, and the same with single quotes.
CALLED = re.compile(r"""\btexts?\(\s*["']([a-z_]+\.[a-z0-9_]+)["']""")
KEY = re.compile(r"[a-z][a-z_]*\.[a-z][a-z0-9_]*")
NUMBER_FORMS = {"one", "other"}


def forms(entry: str | Mapping[str, str]) -> Iterator[str]:
    yield from [entry] if isinstance(entry, str) else entry.values()


def fields(text: str) -> set[str]:
    """The names in braces. A text that cannot be read raises."""
    found = set()
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is not None:
            assert name.isidentifier(), text
            assert not spec, text
            assert conversion is None, text
            found.add(name)
    return found


def all_fields(entry: str | Mapping[str, str]) -> set[str]:
    return set().union(*map(fields, forms(entry)))


def is_used(key: str) -> bool:
    """Its key stands in quotes, or what stands before its last part does: `f"state.{name}"`."""
    page = key.partition(".")[0]
    whole = rf"""["']{re.escape(key)}["']"""
    prefix = rf"""["']{re.escape(page)}\.["'{{]"""
    return re.search(f"{whole}|{prefix}", SOURCES) is not None


def test_both_languages_have_the_same_keys() -> None:
    assert ENGLISH.entries.keys() == CHINESE.entries.keys()
    assert all(KEY.fullmatch(key) for key in ENGLISH.entries)


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_no_text_is_empty_or_padded(texts: Texts) -> None:
    for key, entry in texts.entries.items():
        for text in forms(entry):
            assert text, key
            assert text == text.strip(), key


def test_both_languages_have_the_same_placeholders() -> None:
    for key, entry in ENGLISH.entries.items():
        assert all_fields(entry) == all_fields(CHINESE.entries[key]), key


def test_numbers_have_two_forms_in_english_and_one_in_chinese() -> None:
    for key, entry in ENGLISH.entries.items():
        if not isinstance(entry, str):
            assert entry.keys() == NUMBER_FORMS, key
            assert "count" in fields(entry["other"]), key
        assert isinstance(CHINESE.entries[key], str), key


def test_texts_differ_between_the_languages() -> None:
    """A text that was copied and not translated."""
    for key, entry in CHINESE.entries.items():
        assert entry != ENGLISH.entries[key], key


def test_every_key_is_used() -> None:
    assert [key for key in ENGLISH.entries if not is_used(key)] == []


def test_every_key_that_is_used_exists() -> None:
    assert set(CALLED.findall(SOURCES)) - ENGLISH.entries.keys() == set()


def test_the_views_messages_are_those_of_the_schema() -> None:
    migrations = "\n".join(
        path.read_text("utf-8") for path in sorted((ROOT / "alembic/versions").glob("*.py"))
    )
    views = re.findall(
        r"CREATE (?:OR REPLACE )?VIEW public\.storyboard_progress.*?FROM public",
        migrations,
        re.DOTALL,
    )
    said = set(re.findall(r"(?:THEN|ELSE)\s+'([A-Z][^']*)'", views[-1]))
    told = {text for key, text in ENGLISH.entries.items() if key.startswith(VIEW)}
    assert len(told) == 5
    assert told == said


def test_a_message_of_the_view_is_translated() -> None:
    assert ENGLISH.of_view("Storyboard is ready") == "Storyboard is ready"
    assert CHINESE.of_view("Storyboard is ready") == CHINESE("view.ready") == "分镜图已就绪"
    assert CHINESE.of_view("A sentence of a newer schema") == "A sentence of a newer schema"


def panels(one: Any) -> Texts:
    return Texts(Language.ENGLISH, {"board.panels": one}, {})


@pytest.mark.parametrize(("count", "told"), [(0, "0 panels"), (1, "1 panel"), (2, "2 panels")])
def test_a_number_chooses_the_form(count: int, told: str) -> None:
    text = panels({"one": "{count} panel", "other": "{count} panels"})
    assert text("board.panels", count=count) == told
    assert panels("{count} 个")("board.panels", count=count) == f"{count} 个"


def test_a_missing_key_or_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        ENGLISH("board.nothing")
    with pytest.raises(KeyError):
        panels("{count} panels")("board.panels")


def test_braces_in_a_value_stay() -> None:
    assert panels("in {project}")("board.panels", project="{x}") == "in {x}"
