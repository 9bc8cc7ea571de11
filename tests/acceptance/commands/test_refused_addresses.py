"""An address that can never connect ends a command at once, and no part of it is printed."""

import pytest

from tests.support.running_command import StoryboardWorker

CLOUDINARY = "cloudinary://123:secret-hunter2@cloud"
URL = "postgresql://app:hunter2@127.0.0.1:1/x"

# The changed variables, and what the line must say.
WRONG = {
    "an @ in the password": ({"DATABASE_URL": "postgresql://u:hunter2@z9@h/x"}, "@ as %40"),
    "a / in the password": ({"DATABASE_URL": "postgresql://u:1/hunter2@h/x"}, "/ as %2F"),
    "a mode of node-postgres": ({"DATABASE_URL": f"{URL}?sslmode=no-verify"}, "sslmode"),
    "a mode in capitals": ({"DATABASE_URL": f"{URL}?sslmode=REQUIRE"}, "sslmode"),
    "session attributes": ({"DATABASE_URL": f"{URL}?target_session_attrs=write"}, "read-write"),
    "a time with its unit": ({"DATABASE_URL": f"{URL}?connect_timeout=5s"}, "connect_timeout"),
    "no TLS, as node says it": ({"DATABASE_URL": f"{URL}?ssl=false"}, "sslmode=disable"),
    "no certificates": ({"DATABASE_URL": f"{URL}?sslrootcert=system"}, "sslrootcert"),
    "an unknown parameter": ({"DATABASE_URL": f"{URL}?foo=z9"}, "'foo': remove it"),
    "a variable of libpq's": ({"PGSSLMODE": "no-verify"}, "sslmode"),
    "a password never put in": (
        {"DATABASE_URL": "postgresql://postgres:[YOUR-PASSWORD]@hunter2/x"},
        "[YOUR-PASSWORD]",
    ),
    "a key never put in": (
        {"CLOUDINARY_URL": "cloudinary://<your_api_key>:hunter2@cloud"},
        "<your_api_key>",
    ),
}
# All commands read settings in the same way. Those that would wait or go on are tried as well.
COMMANDS = {"an @ in the password": "run", "a mode of node-postgres": "run"}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_command_ends_with_one_line_that_shows_nothing_secret(
    without_settings: StoryboardWorker, wrong: str
) -> None:
    changed, said = WRONG[wrong]
    settings = {"DATABASE_URL": URL, "CLOUDINARY_URL": CLOUDINARY, **changed}
    ended = without_settings(COMMANDS.get(wrong, "status"), **settings)

    assert ended.code == 2, ended.shown()
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    (name,) = changed
    assert ended.err.startswith(f"Error: {name}")
    assert said in ended.err.replace("PGSSLMODE", "sslmode")
    assert "hunter2" not in ended.err
    assert "z9" not in ended.err


@pytest.mark.parametrize("wrong", ["an @ in the password", "a variable of libpq's"])
def test_doctor_reports_it_as_a_check_with_its_fix(
    without_settings: StoryboardWorker, wrong: str
) -> None:
    changed, _ = WRONG[wrong]
    ended = without_settings("doctor", **{"DATABASE_URL": URL, **changed})

    assert ended.code == 2, ended.shown()
    (name,) = changed
    assert f"✗ settings: {name} " in ended.out
    assert f"    fix: set {name}: " in ended.out
    assert ended.out.count("✗ settings") == 1
    assert "hunter2" not in ended.out + ended.err
    assert "z9" not in ended.out + ended.err
    # The address of the database is unknown.
    assert "✗ database" not in ended.out
