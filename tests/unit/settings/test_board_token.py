"""Which tokens of the board may be found by trying."""

import secrets
import uuid

import pytest

from storyboard_worker.cli.demo_board import DemoBoard
from storyboard_worker.settings.board_token import can_be_guessed


@pytest.mark.parametrize(
    "token",
    [
        secrets.token_hex(32),
        secrets.token_hex(16),
        str(uuid.uuid4()),
        "4Jq0/3Yk1F2nR8hVwz7sLc9dPb5xTgMa",
        DemoBoard(8080).token,
    ],
    ids=["64 digits", "32 digits", "uuid", "base64", "demo"],
)
def test_a_token_that_was_drawn_cannot_be_guessed(token: str) -> None:
    assert not can_be_guessed(token)


@pytest.mark.parametrize(
    "token",
    [
        "tok-é",
        "board-token-of-2026",
        "9f86d081884c7d659a2feaa0c55ad01",
        "0123" * 20,
        "the quick brown fox jumps over the lazy dog",
    ],
)
def test_a_short_or_worded_token_can_be_guessed(token: str) -> None:
    assert can_be_guessed(token)
