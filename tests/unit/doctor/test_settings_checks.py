"""``doctor`` reads on after a wrong setting, and reports each wrong setting once."""

import pytest

from storyboard_worker.doctor.settings_checks import (
    names_database,
    read_as_far_as_possible,
    settings_checks,
)

GOOD = {
    "DATABASE_URL": "postgresql://app:hunter2@db/x",
    "CLOUDINARY_URL": "cloudinary://123:secret-hunter2@cloud",
}
PARTS = {
    "CLOUDINARY_CLOUD_NAME": "demo",
    "CLOUDINARY_API_KEY": "123",
    "CLOUDINARY_API_SECRET": "s-hunter2",
}


@pytest.mark.parametrize(
    ("changed", "named", "is_of_database"),
    [
        ({"DATABASE_URL": "postgresql://app:hunter2@z@db/x"}, "DATABASE_URL", True),
        ({"DATABASE_URL": "postgresql://app:hunter2@db/x?sslmode=no"}, "DATABASE_URL", True),
        ({"DATABASE_URL": "postgresql://app:<password>@hunter2/x"}, "DATABASE_URL", True),
        ({"PGSSLMODE": "no-verify"}, "PGSSLMODE", True),
        ({"PGSERVICE": "nowhere"}, "DATABASE_URL", True),
        ({"CLOUDINARY_URL": "cloudinary://1:hunter2@<cloud_name>"}, "CLOUDINARY_URL", False),
        ({**PARTS, "CLOUDINARY_API_KEY": "<api_key>"}, "CLOUDINARY_API_KEY", False),
        ({**PARTS, "CLOUDINARY_API_SECRET": ""}, "CLOUDINARY_API_SECRET", False),
        (
            {"CLOUDINARY_URL": "cloudinary://1:hunter2@c?upload_prefix=x"},
            "CLOUDINARY_UPLOAD_PREFIX",
            False,
        ),
        ({"SENTRY_DSN": "https://<key>@o1.ingest.sentry.io/1"}, "SENTRY_DSN", False),
    ],
)
def test_one_wrong_setting_is_one_fault(
    changed: dict[str, str], named: str, *, is_of_database: bool
) -> None:
    settings, faults = read_as_far_as_possible({**GOOD, **changed})
    assert settings is not None
    (fault,) = faults
    assert str(fault).startswith(named)
    assert "hunter2" not in str(fault)
    assert names_database(faults) == is_of_database


def test_faults_besides_the_database_are_told_as_well() -> None:
    wrong = {"PGSSLMODE": "no-verify", "MAX_ATTEMPTS": "none", "SENTRY_DSN": "YOUR_SENTRY_DSN"}
    settings, faults = read_as_far_as_possible({**GOOD, **wrong})
    assert settings is not None
    assert [str(fault).split(maxsplit=1)[0].partition("=")[0] for fault in faults] == [
        *("PGSSLMODE", "SENTRY_DSN", "MAX_ATTEMPTS")
    ]


def test_a_board_that_is_not_served_is_told() -> None:
    token = {"BOARD_TOKEN": "0123456789abcdef"}
    told = "BOARD_TOKEN is set but PORT is not: the board is not served"
    for variables, is_told in (({}, False), (token, True), ({**token, "PORT": "8080"}, False)):
        checks = settings_checks({**GOOD, **variables}, None, [])
        assert (told in [check.found for check in checks]) is is_told


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("0123456789abcde", "BOARD_TOKEN has 15 characters: it can be guessed"),
        (
            "0123456789abcdef",
            "BOARD_TOKEN does not look drawn at random: wrong tokens of strangers can delay it",
        ),
        ("0123456789abcdef" * 4, None),
    ],
)
def test_a_token_of_the_board_that_may_be_guessed_is_told(token: str, told: str | None) -> None:
    variables = {**GOOD, "BOARD_TOKEN": token, "PORT": "8080", "CRON_SECRET": "c" * 64}
    checks = [check for check in settings_checks(variables, None, []) if check.name == "secrets"]
    assert [check.found for check in checks] == ([] if told is None else [told])
    assert all("openssl rand -hex 32" in str(check.fix) for check in checks)
