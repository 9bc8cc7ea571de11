"""The placeholder, read as XML."""

import base64
import hashlib
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard_worker.web.picture.placeholder import POLICY, Words, placeholder
from storyboard_worker.web.picture.size import LARGEST, SMALLEST, Size
from storyboard_worker.web.picture.symbols import SYMBOLS, State
from storyboard_worker.web.picture.wrapping import width_of
from storyboard_worker.web.texts.catalogue import VIEW, Language, texts_in

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "desc", "style", "rect", "path", "text"}
SIZES = [Size(640, 360), Size(320, 180), Size(160, 90), Size(360, 640), Size(3840, 2160)]
MESSAGES = [
    (language, texts_in(language)(key))
    for language in Language
    for key in texts_in(language).entries
    if key.startswith((VIEW, "placeholder.no", "placeholder.try"))
]


def drawn(
    message: str = "Storyboard is ready",
    size: Size = SIZES[0],
    *,
    state: State = State.PENDING,
    name: str = "Waiting",
) -> ET.Element:
    return ET.fromstring(placeholder(state, Words("en", name, message, "A placeholder"), size))


def shown(svg: ET.Element, css: str) -> list[str]:
    return [node.text or "" for node in svg.iter(f"{SVG}text") if node.get("class") == css]


def check_within(svg: ET.Element, size: Size) -> None:
    """All texts lie inside and below one another."""
    baselines = []
    for node in svg.iter(f"{SVG}text"):
        font = float(node.get("font-size", "nan"))
        half = width_of(node.text or "") * font / 2
        x, y = float(node.get("x", "nan")), float(node.get("y", "nan"))
        assert x - half >= 0, node.text
        assert x + half <= size.width, node.text
        assert font >= 8.9
        baselines.append((y, font))
    for (y, _), (below, font) in pairwise(baselines):
        assert below - y >= font
    if baselines:
        assert baselines[0][0] > 0
        assert baselines[-1][0] < size.height


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("language", "message"), MESSAGES)
def test_every_message_is_whole_and_legible(language: Language, message: str, size: Size) -> None:
    svg = drawn(message, size)
    joint = " " if language is Language.ENGLISH else ""
    assert joint.join(shown(svg, "message")) == message
    if min(size) > 100:
        assert shown(svg, "state") == ["Waiting"]
    check_within(svg, size)


def test_it_has_the_size_asked_for() -> None:
    svg = drawn(size=Size(1000, 50))
    assert (svg.get("width"), svg.get("height")) == ("1000", "50")
    assert svg.get("viewBox") == "0 0 1000 50"


def test_it_is_read_aloud() -> None:
    svg = drawn("Storyboard is ready")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "title desc"
    assert {node.get("id"): node.text for node in svg if node.get("id")} == {
        "title": "Storyboard is ready",
        "desc": "A placeholder",
    }
    assert svg.get("lang") == "en"


def test_where_little_room_is_left_the_states_name_goes_first() -> None:
    message = texts_in(Language.ENGLISH)("view.processing")
    svg = drawn(message, Size(160, 90))
    assert " ".join(shown(svg, "message")) == message
    assert shown(svg, "state") == []


def test_where_letters_would_be_too_small_there_is_the_symbol_alone() -> None:
    svg = drawn(size=Size(32, 32))
    assert list(svg.iter(f"{SVG}text")) == []
    assert len(list(svg.iter(f"{SVG}path"))) == 1
    assert svg.findtext(f"{SVG}title") == "Storyboard is ready"


def test_every_state_has_a_symbol_of_its_own_and_a_name() -> None:
    assert SYMBOLS.keys() == set(State)
    assert len({symbol.lines for symbol in SYMBOLS.values()}) == len(State)
    for language in Language:
        names = {texts_in(language)(f"state.{state}") for state in State}
        assert len(names) == len(State)


@pytest.mark.parametrize("state", State)
def test_a_state_shows_in_shapes(state: State) -> None:
    svg = drawn(state=state)
    (path,) = svg.iter(f"{SVG}path")
    assert path.get("d") == SYMBOLS[state].lines
    frame = next(rect for rect in svg.iter(f"{SVG}rect") if rect.get("class") == "frame")
    assert (frame.get("stroke-dasharray") is None) == (SYMBOLS[state].dashes == "")


def test_the_policy_lets_in_its_style_and_nothing_else() -> None:
    style = drawn().findtext(f"{SVG}style") or ""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; sandbox" == POLICY
    assert "prefers-color-scheme:dark" in style
    assert "url(" not in style
    assert "@import" not in style


def test_light_and_dark_set_the_same_colours() -> None:
    style = drawn().findtext(f"{SVG}style") or ""
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    coloured = re.compile(r"(\.[a-z.]+)\{(?:fill|stroke):#")
    assert set(coloured.findall(light)) == set(coloured.findall(dark)) != set()


@given(
    st.text(max_size=60),
    st.text(max_size=20),
    st.integers(SMALLEST, LARGEST),
    st.integers(SMALLEST, LARGEST),
    st.sampled_from(State),
)
def test_whatever_the_text_and_size(
    message: str, name: str, width: int, height: int, state: State
) -> None:
    size = Size(width, height)
    svg = drawn(message, size, state=state, name=name)
    assert {node.tag.removeprefix(SVG) for node in svg.iter()} <= ALLOWED
    for node in svg.iter():
        assert not any(name.startswith("on") or "href" in name for name in node.attrib)
        assert "style" not in node.attrib
    check_within(svg, size)


@pytest.mark.parametrize(
    "text",
    ["</text><script>x()</script>", '"><image href="http://x"/>', "&amp;]]>", "\x00\x1b\ud800"],
)
def test_markup_in_a_text_is_text(text: str) -> None:
    svg = drawn(text)
    printable = "".join(filter(str.isprintable, text))
    assert svg.findtext(f"{SVG}title") == printable
    assert {node.tag.removeprefix(SVG) for node in svg.iter()} <= ALLOWED
