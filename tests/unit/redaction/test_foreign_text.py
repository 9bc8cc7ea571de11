"""Foreign text steers no terminal, breaks no line, and is not lost."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.redaction.foreign_text import (
    CUT,
    MOST_SHOWN_CHARACTERS,
    for_terminal,
    json_string,
    json_text,
)

C1 = "".join(map(chr, range(0x80, 0xA0)))
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
BLANK = "\u3000"
STEERING = f"\x1b[2J\x00\x07\x08\t\r\n\x7f{C1}{BIDI}\u2028\u2029\ufeff\u200b\U000e0041\udc80"


def steers(text: str) -> set[str]:
    return {character for character in text if not character.isprintable()} - {BLANK}


def test_characters_that_steer_are_shown_as_escapes() -> None:
    assert for_terminal("a\x1b[2J\u202eb\u2028\x9b\n") == r"a\x1b[2J\u202eb\u2028\x9b\n"
    assert steers(for_terminal(STEERING)) == set()


@pytest.mark.parametrize(
    "text", ["", f"größe 絵コンテ{BLANK}✓ 🎉", "[red]no[/red] :smile: \\x1b", "ابجد"]
)
def test_readable_text_stays(text: str) -> None:
    assert for_terminal(text) == text
    assert json_text(text) == json_string(text) == json.dumps(text, ensure_ascii=False)


def test_a_long_text_is_cut_also_by_its_escapes() -> None:
    for text in ("w" * 200_000, "\x1b" * 200_000, "w" * (MOST_SHOWN_CHARACTERS - 1) + "\x1b"):
        shown = for_terminal(text)
        assert len(shown) == MOST_SHOWN_CHARACTERS + len(CUT)
        assert shown.endswith(CUT)
    assert for_terminal("w" * MOST_SHOWN_CHARACTERS) == "w" * MOST_SHOWN_CHARACTERS


def test_json_means_the_same_to_every_parser() -> None:
    for ascii_only in (False, True):
        text = json_text({STEERING: [STEERING, "絵"]}, ascii_only=ascii_only)
        assert steers(text) == set()
        assert json.loads(text) == {STEERING: [STEERING, "絵"]}
        assert text.isascii() == ascii_only


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_json_is_one_line_and_loses_nothing(text: str) -> None:
    written = json_text([text])
    assert len(written.splitlines()) == 1
    assert json.loads(written) == [text]
