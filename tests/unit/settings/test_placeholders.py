"""Placeholders that were not filled in are named. Similar values that are real are not."""

import pytest

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.placeholders import as_a_whole
from storyboard_worker.settings.reading import read_settings


def refusal(**variables: str) -> str:
    with pytest.raises(SettingsError) as raised:
        read_settings({"DATABASE_URL": "embedded", **variables})
    return str(raised.value)


PASSWORDS = [
    *("[YOUR-PASSWORD]", "[YOUR PASSWORD]", "[password]", "<password>", "<your_db_password>"),
    *(
        "<dbPassword>",
        "{password}",
        "${DB_PASSWORD}",
        "$PASSWORD",
        "$DB_PASSWORD",
        "$(DB_PASSWORD)",
    ),
    *("{{ secrets.DB_PASSWORD }}", "${{ secrets.DB_PASSWORD }}", "YOUR_PASSWORD", "YOUR-PASSWORD"),
    *("xxxx", "XXXXXXXX", "****", "••••", "...", "__PASSWORD__"),
]


@pytest.mark.parametrize("placeholder", PASSWORDS)
def test_a_password_never_put_in(placeholder: str) -> None:
    message = refusal(DATABASE_URL=f"postgresql://app:{placeholder}@db-hunter2/x")
    assert message.startswith(f"DATABASE_URL still holds the placeholder {placeholder}: put in ")
    assert "hunter2" not in message
    assert "\n" not in message


def test_a_placeholder_may_have_been_encoded() -> None:
    assert "[YOUR-PASSWORD]" in refusal(DATABASE_URL="postgresql://a:%5BYOUR-PASSWORD%5D@db/x")


@pytest.mark.parametrize(
    "password",
    [
        *("[hunter]", "[mypassword]", "<3", "<k9>", "[k3y]", "a<password>", "[password]1"),
        *("<Monkey>", "$ecret", "$ECRET", "$PASSW0RD", "${", "$1{x}", "{x", "password", "xxx"),
        *("xxxxy", "**", "your_password", "changeme", "YOUR", "__", "PASSWORD", "<>", "[]", "{}"),
        *("[pass1234]", "<my dog>", "[YOUR-CAT]"),
    ],
)
def test_a_real_password_is_no_placeholder(password: str) -> None:
    assert as_a_whole(password) is None


@pytest.mark.parametrize(
    ("url", "placeholder"),
    [
        ("postgresql://postgres:pw@db.[YOUR-PROJECT-REF].supabase.co:5432/x", "[YOUR-PROJECT-REF]"),
        ("postgresql://postgres.[REF]:pw@aws.example/x", "[REF]"),
        ("postgresql://postgres.YOUR_PROJECT_REF:pw@aws.example/x", "YOUR_PROJECT_REF"),
        ("postgresql://postgres:pw@db.your-project-ref.supabase.co/x", "your-project-ref"),
        ("postgresql://postgres:pw@db.xxxxxxxx.supabase.co/x", "xxxxxxxx"),
        ("postgresql://postgres:pw@aws-0-<region>.pooler.supabase.com/x", "<region>"),
        ("postgresql://postgres:pw@[YOUR-HOST]:5432/x", "[YOUR-HOST]"),
        ("postgresql://postgres:pw@${PGHOST}:5432/x", "${PGHOST}"),
        ("postgresql://<host>:5432/x", "<host>"),
        ("postgresql://USER:PASSWORD@HOST:PORT/DATABASE", "PORT"),
        ("postgresql://u:p@db:<port>/x", "<port>"),
        ("postgresql://u:p@db/<database>", "<database>"),
        ("postgresql://u@db/x?password=<password>", "<password>"),
        ("postgresql://{user}:{password}@{host}:{port}/{db}", "{user}"),
        ("${{Postgres.DATABASE_URL}}", "${{Postgres.DATABASE_URL}}"),
        ("$DATABASE_URL", "$DATABASE_URL"),
        ("<your database url>", "<your database url>"),
    ],
)
def test_other_parts_of_the_database_url(url: str, placeholder: str) -> None:
    assert f"placeholder {placeholder}:" in refusal(DATABASE_URL=url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:pw@www.your-server.de/x",
        "postgresql://app:pw@db.your-cloud.example/x",
        "postgresql://postgres.abcdefgh:pw@db.abcdefgh.supabase.co:6543/postgres",
        "postgresql://app:pw@[2001:db8::1]/x",
        "postgresql://app:pw@maxxxx.example/xxxxy",
        "postgresql://your_app:pw@db/your_db",
    ],
)
def test_real_hosts_users_and_databases_are_no_placeholders(url: str) -> None:
    read_settings({"DATABASE_URL": url})


PARTS = {
    "CLOUDINARY_CLOUD_NAME": "demo",
    "CLOUDINARY_API_KEY": "123",
    "CLOUDINARY_API_SECRET": "s-hunter2",
}


@pytest.mark.parametrize(
    ("variables", "placeholder"),
    [
        ({"CLOUDINARY_URL": "cloudinary://<your_api_key>:hunter2@demo"}, "<your_api_key>"),
        ({"CLOUDINARY_URL": "cloudinary://1:<your_api_secret>@hunter2"}, "<your_api_secret>"),
        ({"CLOUDINARY_URL": "cloudinary://1:hunter2@<cloud_name>"}, "<cloud_name>"),
        ({"CLOUDINARY_URL": "cloudinary://1:hunter2@YOUR_CLOUD_NAME"}, "YOUR_CLOUD_NAME"),
        ({"CLOUDINARY_URL": "cloudinary://[API_KEY]:hunter2@demo"}, "[API_KEY]"),
        ({"CLOUDINARY_URL": "cloudinary://API_KEY:API_SECRET@CLOUD_NAME"}, "API_KEY"),
        ({"CLOUDINARY_URL": "cloudinary://1:my_secret@demo"}, "my_secret"),
        ({"CLOUDINARY_URL": "cloudinary://1:xxxxxxxx@demo"}, "xxxxxxxx"),
        ({"CLOUDINARY_URL": "${CLOUDINARY_URL}"}, "${CLOUDINARY_URL}"),
        ({**PARTS, "CLOUDINARY_API_KEY": "<your_api_key>"}, "<your_api_key>"),
        ({**PARTS, "CLOUDINARY_API_KEY": "your_api_key"}, "your_api_key"),
        ({**PARTS, "CLOUDINARY_CLOUD_NAME": "your-cloud-name"}, "your-cloud-name"),
        ({**PARTS, "CLOUDINARY_API_SECRET": "$CLOUDINARY_API_SECRET"}, "$CLOUDINARY_API_SECRET"),
        ({"SENTRY_DSN": "https://<key>@o0.ingest.sentry.io/0"}, "<key>"),
        ({"SENTRY_DSN": "https://examplePublicKey@o0.ingest.sentry.io/0"}, "examplePublicKey"),
        ({"SENTRY_DSN": "___PUBLIC_DSN___"}, "___PUBLIC_DSN___"),
        ({"SENTRY_DSN": "YOUR_SENTRY_DSN"}, "YOUR_SENTRY_DSN"),
        ({"SENTRY_DSN": "https://xxxx@o1.ingest.sentry.io/1"}, "xxxx"),
    ],
)
def test_cloudinary_and_sentry(variables: dict[str, str], placeholder: str) -> None:
    name = next(name for name, value in variables.items() if placeholder in value)
    message = refusal(**variables)
    assert message.startswith(f"{name} still holds the placeholder {placeholder}: put in ")
    assert "hunter2" not in message


def test_real_keys_are_accepted() -> None:
    for secret in ("s-hunter2", "aB3-xxxx_9", "a<key>", "__B__c"):
        parts = {**PARTS, "CLOUDINARY_API_SECRET": secret}
        settings = read_settings({"DATABASE_URL": "embedded", **parts})
        assert settings.cloudinary is not None
        assert settings.cloudinary.api_secret == secret
