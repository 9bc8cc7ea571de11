"""Lines that fit, in scripts with and without spaces."""

from hypothesis import given
from hypothesis import strategies as st

from storyboard_worker.web.picture.wrapping import CLOSING, width_of, wrapped

ENGLISH = "Storyboard is being processed, please refresh in a few minutes"
CHINESE = "分镜图正在处理中，请几分钟后刷新"
texts = st.text(st.one_of(st.characters(), st.sampled_from("a b，。分镜 M")), max_size=80)
widths = st.floats(1.0, 60.0)


def test_english_breaks_between_words() -> None:
    lines = wrapped(ENGLISH, 20)
    assert lines == [
        "Storyboard is being processed,",
        "please refresh in a few minutes",
    ]
    assert " ".join(lines) == ENGLISH


def test_chinese_breaks_between_characters_and_never_before_a_closing_mark() -> None:
    for width in range(2, 18):
        lines = wrapped(CHINESE, width)
        assert "".join(lines) == CHINESE
        assert not any(line[0] in CLOSING for line in lines), lines
    assert wrapped(CHINESE, 10) == ["分镜图正在处理中，", "请几分钟后刷新"]


def test_a_word_within_chinese_stays_whole() -> None:
    assert wrapped("图片在Cloudinary上", 7) == ["图片在", "Cloudinary上"]


def test_lines_are_about_equally_long() -> None:
    lines = wrapped(ENGLISH, 26)
    assert len(lines) == 2
    assert min(map(width_of, lines)) > 0.7 * max(map(width_of, lines))


def test_a_word_that_is_too_wide_is_broken() -> None:
    assert "".join(wrapped("x" * 100, 10)) == "x" * 100
    assert len(wrapped("x" * 100, 10)) > 4


def test_nothing_has_no_lines() -> None:
    assert wrapped("", 10) == wrapped("   ", 10) == []


@given(texts, widths)
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: float) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert line.strip()
        assert width_of(line) <= width + 0.001 or len(line) == 1, line
