"""Arguments that the commands refuse, and the words in which they do."""

import click
import pytest

from storyboard_worker.cli import cli
from storyboard_worker.cli.arguments import check_url
from tests.support.running_command import StoryboardWorker


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["swep"], "No such command 'swep'"),
        (["sweep", "--max-seconds", "nan"], "'nan' is not a number of seconds"),
        (["retry", "--all-failed", "--since", "soon"], "'soon' is not a time span like 30m"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help(
    without_settings: StoryboardWorker, arguments: list[str], message: str
) -> None:
    refused = without_settings(*arguments)

    assert refused.code == 2
    assert refused.out == ""
    assert refused.err.count("\n") == 1
    assert refused.err.startswith("Error: ")
    assert message in refused.err
    assert "--help`)" in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--state", "failed"], "No such option"),
        (["list", "--status", "done"], "'done' is not one of"),
        (["list", "--limit", "0"], "0 is not in the range"),
        (["list", "--limit", "99999999999999999999"], "is not in the range"),
        (["list", "--error-code", "oops"], "'oops' is not one of"),
        (["list", "--project", "a\x1b[2J"], "control characters"),
        (["sweep", "--max-seconds", "0"], "'0' is not a number of seconds"),
        (["sweep", "--max-seconds", "inf"], "'inf' is not a number of seconds"),
        (["sweep", "--limit", "0"], "0 is not in the range"),
        (["retry", "--all-failed", "--since", "2 h"], "'2 h' is not a time span like 30m"),
        (["demo", "--panels", "1"], "1 is not in the range"),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        cli.main(arguments, "storyboard-worker", standalone_mode=False)
    assert message in refused.value.format_message()


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "images.example/a.jpg",
        "ftp://images.example/a.jpg",
        "file:///etc/passwd",
        "https://",
        "https:///a.jpg",
        "https://?a=b",
        "https://user@/a.jpg",
        "https://images.example:99999/a.jpg",
        "https://images.example:eighty/a.jpg",
        "https://[::1/a.jpg",
        "https://images.example/a b.jpg",
        "https://images.example/a\u2003b.jpg",
        "https://images.example/a\x00.jpg",
        "https://images.example/a\udcff.jpg",
    ],
)
def test_text_that_is_no_url_is_refused(wrong: str) -> None:
    with pytest.raises(click.UsageError, match=r"^line 7 is not an http\(s\) URL: "):
        check_url(wrong, "line 7")


SECRET = "hunter2-c0ffee0123456789"


@pytest.mark.parametrize(
    "wrong",
    [
        f"images.example/a.jpg?sig={SECRET}",
        f"https:/user:{SECRET}@images.example/a.jpg",
        f"https://user:{SECRET}",
        f"https://user:{SECRET}@/a.jpg",
        f"https://images.example/{SECRET} and more",
        SECRET,
    ],
)
def test_nothing_of_a_wrong_url_is_repeated(wrong: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        check_url(wrong, "line 7")
    assert SECRET not in refused.value.format_message()


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", f"https://images.example/a.jpg?sig={SECRET}"],
        ["process", f"https://images.example/a.jpg?sig={SECRET}"],
        ["retry", "--all-failed", "--since", f"sig={SECRET}"],
    ],
)
def test_a_signed_url_in_the_wrong_place_is_repeated_without_its_signature(
    without_settings: StoryboardWorker, arguments: list[str]
) -> None:
    refused = without_settings(*arguments)

    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert SECRET not in refused.err


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example",
        "HTTPS://IMAGES.EXAMPLE/A.JPG",
        "http://127.0.0.1:8080/a.jpg?X-Tos-Signature=ab%2Fcd#top",
        "http://[::1]:8080/a.jpg",
        "https://bilder.example/größe/絵.jpg?q='",
    ],
)
def test_text_that_may_be_a_url_is_taken(url: str) -> None:
    check_url(url, "line 7")
