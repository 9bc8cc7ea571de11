"""Recognises placeholders of an example that were never filled in, so that an error can name them.

An error prints the placeholder. So a secret counts as one only if all of it is a placeholder and
could hardly be anything else. Hosts, user names and keys never hold such characters, so there a
placeholder is found within other text as well.
"""

import re

from storyboard_worker.errors import SettingsError

# The words of placeholders in brackets. A text in brackets with any other word may be a password
# and is no placeholder.
WORDS = frozenset(
    {
        *("a", "an", "my", "of", "the", "your", "here", "insert", "put", "replace", "with"),
        *("key", "pass", "passwd", "password", "pw", "pwd", "secret", "token", "value"),
        *("account", "api", "cloud", "id", "login", "name", "public", "role", "user", "username"),
        *("address", "endpoint", "host", "hostname", "ip", "port", "server", "service", "url"),
        *("app", "aws", "database", "db", "dbname", "dsn", "instance", "org", "organization"),
        *("cloudinary", "neon", "pg", "postgres", "postgresql", "prod", "sentry", "supabase"),
        *("project", "ref", "reference", "region"),
    }
)
# Brackets around words: <your_api_key>, [YOUR-PASSWORD], {password}.
IN_BRACKETS = (
    r"<[A-Za-z][A-Za-z _.-]{0,60}>|\[[A-Za-z][A-Za-z _.-]{0,60}\]|\{[A-Za-z][\w.-]{0,60}\}"
)
# Templates of shells and platforms: ${DB_PASSWORD}, $(DB_PASSWORD), {{ password }},
# ${{ Postgres.DATABASE_URL }}.
TEMPLATE = r"\$\{[A-Za-z_]\w{0,60}\}|\$\([A-Za-z_]\w{0,60}\)|\$?\{\{[\w .-]{1,60}\}\}"
# $DB_PASSWORD. All of its words must be known.
DOLLAR = r"\$[A-Z]{2,20}(?:_[A-Z]{1,20}){0,5}"
# YOUR_PROJECT_REF, YOUR-PASSWORD; and __PUBLIC_KEY__.
SHOUTED = (
    r"YOUR[-_][A-Z]{2,20}(?:[-_][A-Z]{1,20}){0,5}|_{2,3}[A-Z]{2,20}(?:_[A-Z]{1,20}){0,5}_{2,3}"
)
# What dashboards and examples show in place of a secret.
MASK = r"[xX]{4,}|\*{3,}|•{3,}|\.{3,}|…+"

_WHOLE = re.compile(f"{TEMPLATE}|{SHOUTED}|{MASK}")
_WHOLE_OF_WORDS = re.compile(f"{IN_BRACKETS}|{DOLLAR}")
_LETTER = r"[A-Za-z0-9]"
_WITHIN = re.compile(
    f"{TEMPLATE}|{IN_BRACKETS}|(?<!{_LETTER})(?:{SHOUTED}|[xX]{{4,}})(?!{_LETTER})|"
    # Not every «your-…», because some hosts have such names.
    f"(?<!{_LETTER})(?i:your[-_](?:dsn|password|(?:api|cloud|db|database|project|public|secret)"
    rf"[-_](?:id|key|name|password|ref|secret|url)))(?!{_LETTER})"
)


def as_a_whole(text: str) -> str | None:
    """``text`` if all of it is a placeholder, else ``None``."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return text
    if _WHOLE_OF_WORDS.fullmatch(text) and _has_known_words_only(text):
        return text
    return None


def within(text: str) -> str | None:
    """The first placeholder in ``text``. Not for secrets, which may hold any characters."""
    whole = as_a_whole(text)
    found = _WITHIN.search(text)
    return whole or (found[0] if found else None)


def _has_known_words_only(text: str) -> bool:
    # Capitals may separate words as well: <dbPassword>.
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)
    return bool(words) and all(word.lower() in WORDS for word in words)


def unfilled(variable: str, placeholder: str, origin: str) -> SettingsError:
    """The error for ``variable``. ``origin`` is where to find the real value."""
    return SettingsError(
        f"{variable} still holds the placeholder {placeholder}: put in your own, from {origin}"
    )
