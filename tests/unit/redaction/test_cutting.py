"""A text that is cut keeps no part of a secret."""

import pytest

from storyboard_worker.redaction.redactor import LEFT_OUT, MAX_CHARACTERS, Redactor

SIGNED = (
    "https://images.example.com/panels/1_0.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256"
    "&X-Tos-Credential=AKTPkey%2F20250910%2Ftos&X-Tos-Date=20250910T015921Z"
    "&X-Tos-Expires=86400&X-Tos-Signature=c0ffee&X-Tos-SignedHeaders=host"
)


def cut_inside(text: str, at: int) -> str:
    """A long text that is cut after ``at`` characters of ``text``."""
    return "w" * (MAX_CHARACTERS - at - 1) + " " + text


@pytest.mark.parametrize(
    "text",
    [
        SIGNED,
        "/a.png?x=c0ffee&X-Tos-Signature=c0ffee",
        "/a.png?x=c0ffee&token=c0ffee",
        "lost: X-Amz-Credential=c0ffee%2Fc0ffee",
        "https%3A%2F%2Fh%2Fp%3FX-Tos-Signature%3Dc0ffee",
        "postgresql://app:c0ffee@db.example.com/x",
        "c0ffee-c0ffee c0ffee?c0ffee=c0ffee",
    ],
)
def test_no_half_of_a_secret_is_left_where_a_text_is_cut(text: str) -> None:
    redactor = Redactor(["c0ffee-c0ffee c0ffee?c0ffee=c0ffee"])
    for at in range(len(text) + 1):
        cleaned = redactor.text(cut_inside(text, at) + " and more")
        assert "c0f" not in cleaned, at
        assert cleaned.endswith(LEFT_OUT)


def test_a_text_is_cut_between_words() -> None:
    words = "so it goes on " * 10_000
    cleaned = Redactor(["unrelated-secret"]).text(words)
    assert words.startswith(cleaned.removesuffix(LEFT_OUT))
    assert MAX_CHARACTERS - 10 < len(cleaned) <= MAX_CHARACTERS + len(LEFT_OUT)


def test_the_longest_text_is_not_cut() -> None:
    text = "w" * MAX_CHARACTERS
    assert Redactor().text(text) == text
    assert Redactor().text(text + "w") == LEFT_OUT
