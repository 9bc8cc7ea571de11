"""Log lines can be parsed and read, and contain no secret."""

import json
import logging
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.logs import ConsoleFormatter, JsonFormatter, event, in_one_write, log, set_up
from storyboard_worker.redaction.redactor import Redactor
from storyboard_worker.storyboard import Status

SIGNED = "https://h.example/p.jpg?X-Tos-Signature=c0ffee"
REDACTOR = Redactor(["hunter2!"])


@pytest.fixture
def restored_loggers() -> Iterator[None]:
    """set_up() changes the whole process, and other tests follow."""
    changed = [logging.getLogger(name) for name in (None, "storyboard_worker", "httpx")]
    cloudinary = logging.getLogger("Cloudinary")
    before = [(logger, logger.level, list(logger.handlers)) for logger in [*changed, cloudinary]]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers = handlers


def record(message: str = "done", level: int = logging.INFO, **facts: object) -> logging.LogRecord:
    found = logging.LogRecord("storyboard_worker", level, "", 0, message, None, None)
    found.facts = facts
    found.created = 1_700_000_000.25
    return found


def json_line(given: logging.LogRecord) -> dict[str, object]:
    line = JsonFormatter(REDACTOR).format(given)
    assert "\n" not in line
    parsed = json.loads(line)
    assert isinstance(parsed, dict)
    return parsed


def failed_record(message: str = "broke") -> logging.LogRecord:
    found = record(message, logging.ERROR)
    try:
        int(f"{SIGNED} with hunter2!")
    except ValueError as error:
        found.exc_info = (ValueError, error, error.__traceback__)
    return found


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_lacks_is_a_text(number: float) -> None:
    line = JsonFormatter(REDACTOR).format(record("done", seconds=number))
    assert json.loads(line, parse_constant=pytest.fail)["seconds"] == str(number)


def test_json_has_time_level_message_and_facts() -> None:
    assert json_line(record("worker started", concurrency=16, seconds=1.23456, paused=None)) == {
        "time": "2023-11-14T22:13:20.250+00:00",
        "level": "info",
        "message": "worker started",
        "concurrency": 16,
        "seconds": 1.235,
        "paused": "None",
    }


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text())
def test_json_is_one_line_whatever_is_logged(message: str, fact: str) -> None:
    parsed = json_line(record(message, fact=fact, other=ValueError(fact)))
    assert {"time", "level", "message", "fact", "other"} == set(parsed)


def test_console_reads_as_a_line() -> None:
    line = ConsoleFormatter(REDACTOR).format(record("storyboard ready", attempt=1, seconds=0.5))
    assert line == "22:13:20.250 storyboard ready  attempt=1  seconds=0.5"


def test_console_names_the_level_from_warning_on() -> None:
    line = ConsoleFormatter(REDACTOR).format(record("oh", logging.WARNING))
    assert line == "22:13:20.250 WARNING oh"


STEERING = "\x1b[2J\x9b\x7f\u202e\u2028\r\n12:00:00.000 forged"


def test_on_a_terminal_no_text_steers_and_no_line_is_forged() -> None:
    line = ConsoleFormatter(REDACTOR).format(record(STEERING, host=STEERING))
    shown = r"\x1b[2J\x9b\x7f\u202e\u2028\r\n12:00:00.000 forged"
    assert line == f"22:13:20.250 {shown}  host={shown}"


def test_a_stack_has_its_lines_and_nothing_that_steers() -> None:
    found = record("broke", logging.ERROR)
    error = ValueError("\x1b[2J\u202e hunter2!")
    found.exc_info = (ValueError, error, None)
    first, last = ConsoleFormatter(REDACTOR).format(found).split("\n")
    assert first == "22:13:20.250 ERROR broke"
    assert last == r"ValueError: \x1b[2J\u202e [redacted]"


def test_json_escapes_characters_that_steer() -> None:
    line = JsonFormatter(REDACTOR).format(record("say", host=STEERING, script="絵"))
    assert line.isprintable()
    assert "絵" in line
    assert json.loads(line)["host"] == STEERING


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((1, 1), (True, True), (0.12345, 0.123), (1e300, 1e300), ('a"b\n', 'a"b\n')),
        *((UUID(int=1), str(UUID(int=1))), (Status.READY, "ready"), (ValueError("x"), "x")),
        *((["a", 1, None], ["a", 1, None]), ({"a": 0.5}, {"a": 0.5}), (float("inf"), "inf")),
    ],
)
def test_json_holds_facts_of_any_kind(value: object, shown: object) -> None:
    line = json_line(record(fact=value))
    assert line["fact"] == shown
    assert type(line["fact"]) is type(shown)


@pytest.mark.parametrize("formatter", [JsonFormatter(REDACTOR), ConsoleFormatter(REDACTOR)])
def test_message_facts_and_traceback_are_cleaned(formatter: logging.Formatter) -> None:
    dirty = failed_record(f"hunter2! {SIGNED}")
    dirty.facts = {"url": SIGNED, "inner": {"list": [SIGNED, "hunter2!"]}}
    line = formatter.format(dirty)
    assert "c0ffee" not in line
    assert "hunter2!" not in line
    assert "https://h.example/p.jpg with [redacted]" in line


def test_json_holds_the_traceback() -> None:
    assert "Traceback" in str(json_line(failed_record())["exception"])


@pytest.mark.usefixtures("restored_loggers")
def test_event_leaves_out_what_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json", REDACTOR)
    event(logging.INFO, "storyboard ready", attempt=1, error_code=None)
    line = json.loads(capsys.readouterr().err)
    assert line["attempt"] == 1
    assert "error_code" not in line


@pytest.mark.usefixtures("restored_loggers")
def test_without_a_terminal_logs_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(None, REDACTOR)
    event(logging.INFO, "hello")
    assert json.loads(capsys.readouterr().err)["message"] == "hello"


@pytest.mark.usefixtures("restored_loggers")
def test_on_a_terminal_logs_are_to_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    set_up(None, REDACTOR)
    event(logging.INFO, "hello")
    assert capsys.readouterr().err.endswith(" hello\n")


@pytest.mark.usefixtures("restored_loggers")
def test_libraries_are_heard_when_they_warn_and_are_cleaned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up("json", REDACTOR)
    logging.getLogger("httpx").info("HTTP Request: GET %s", SIGNED)
    logging.getLogger("some.library").info("chatter")
    assert capsys.readouterr().err == ""
    logging.getLogger("some.library").warning("GET %s", SIGNED)
    assert json.loads(capsys.readouterr().err)["message"] == "GET https://h.example/p.jpg"


@pytest.mark.usefixtures("restored_loggers")
def test_a_broken_call_neither_raises_nor_leaks(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json", REDACTOR)
    log.warning("%d images", "hunter2!")
    assert capsys.readouterr().err == ("a log line of storyboard_worker could not be written\n")


@pytest.mark.usefixtures("restored_loggers")
@pytest.mark.parametrize("failure", [BrokenPipeError, ValueError])
def test_a_stderr_that_is_gone_does_not_end_the_worker(
    failure: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def write(text: str) -> int:
        written.append(text)
        raise failure()

    set_up("json", REDACTOR)
    monkeypatch.setattr(sys.stderr, "write", write)
    event(logging.INFO, "hello")
    assert len(written) == 1


def test_lines_that_come_together_are_written_together(
    restored_loggers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    class Written:
        def write(self, text: str) -> None:
            written.append(text)

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stderr", Written())
    set_up("console", REDACTOR)
    with suppress(KeyError), in_one_write():
        event(logging.INFO, "one")
        other = threading.Thread(target=event, args=(logging.INFO, "of another thread"))
        other.start()
        other.join()
        with in_one_write():
            event(logging.INFO, "two")
        assert [line.split(" ", 1)[1] for line in written] == ["of another thread\n"]
        raise KeyError
    event(logging.INFO, "three")
    assert len(written) == 3
    assert [line.split(" ", 1)[1] for line in written[1].splitlines()] == ["one", "two"]


def test_no_write_is_longer_than_a_pipe_takes_undivided(
    restored_loggers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several processes of one container write to one pipe."""
    written: list[str] = []
    monkeypatch.setattr(sys.stderr, "write", written.append)
    set_up("json", REDACTOR)
    with in_one_write():
        for number in range(100):
            event(logging.INFO, "\u753b" * 50, number=number)
    assert 1 < len(written) < 20
    assert all(len(text.encode()) <= select.PIPE_BUF for text in written)
    lines = "".join(written).splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(100))
