"""Typed values from environment variables, and errors of one line that name the fix."""

from collections.abc import Callable
from typing import Any

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.environment import Environment

Read = Callable[[Environment], Any]


def count(env: Environment) -> int:
    return env.count("X", 8)


def seconds(env: Environment) -> float:
    return env.seconds("X", 30)


def seconds_or_zero(env: Environment) -> float:
    return env.seconds("X", 10, zero_allowed=True)


def rate(env: Environment) -> float | None:
    return env.rate("X")


def flag(env: Environment) -> bool:
    return env.flag("X")


def choice(env: Environment) -> str | None:
    return env.choice("X", ("hash", "size"))


def text(env: Environment) -> str | None:
    return env.text("X")


@pytest.mark.parametrize("variables", [{}, {"X": ""}, {"X": "  \t"}])
@pytest.mark.parametrize(
    ("read", "default"),
    [
        (count, 8),
        (seconds, 30),
        (seconds_or_zero, 10),
        (rate, None),
        (flag, False),
        (choice, None),
        (text, None),
    ],
)
def test_a_variable_that_is_not_set_or_empty_has_its_default(
    variables: dict[str, str], read: Read, default: object
) -> None:
    assert read(Environment(variables)) == default


@pytest.mark.parametrize(
    ("read", "raw", "value"),
    [
        (count, "1", 1),
        (count, " 16 ", 16),
        (seconds, "2", 2),
        (seconds, "0.25", 0.25),
        (seconds_or_zero, "0", 0),
        (rate, "0", 0),
        (rate, "0.1", 0.1),
        (rate, "1", 1),
        (flag, "true", True),
        (flag, "YES", True),
        (flag, "on", True),
        (flag, "1", True),
        (flag, "False", False),
        (flag, "no", False),
        (flag, "off", False),
        (flag, "0", False),
        (choice, "size", "size"),
        (text, " words ", "words"),
    ],
)
def test_good_values_are_read(read: Read, raw: str, value: object) -> None:
    assert read(Environment({"X": raw})) == value


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (count, "0"),
        (count, "-1"),
        (count, "1.5"),
        (count, "many"),
        (count, "9" * 5000),
        (seconds, "0"),
        (seconds, "-1"),
        (seconds, "2s"),
        (seconds, "nan"),
        (seconds, "inf"),
        (seconds_or_zero, "-0.1"),
        (seconds_or_zero, "never"),
        (rate, "1.1"),
        (rate, "-0.1"),
        (rate, "nan"),
        (rate, "10%"),
        (flag, "maybe"),
        (flag, "2"),
        (choice, "md5"),
        (choice, "HASH\nsize"),
    ],
)
def test_bad_values_end_in_one_line_that_names_the_variable(read: Read, raw: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(Environment({"X": raw}))
    message = str(raised.value)
    assert message.startswith("X must be ")
    assert " must be " in message
    assert "\n" not in message


@pytest.mark.parametrize("read", [count, seconds, seconds_or_zero, rate, flag, choice])
def test_a_bad_value_is_not_repeated(read: Read) -> None:
    with pytest.raises(SettingsError) as raised:
        read(Environment({"X": "hunter2"}))
    assert "hunter2" not in str(raised.value)
