"""Placeholders of an example that were never filled in, so that they can be named.

What is named is printed. So a secret counts as a placeholder only where it is one from its
first character to its last and could hardly be anything else. Hosts, user names and keys are
known not to hold such characters, and are searched.
"""

import re

from storyboard_worker.errors import SettingsError

# Words of which placeholders in brackets consist. All of them must be among these: a password
# in brackets is left alone.
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
# $DB_PASSWORD; its words must be known.
DOLLAR = r"\$[A-Z]{2,20}(?:_[A-Z]{1,20}){0,5}"
# YOUR_PROJECT_REF, YOUR-PASSWORD; and __PUBLIC_KEY__.
SHOUTED = (
    r"YOUR[-_][A-Z]{2,20}(?:[-_][A-Z]{1,20}){0,5}|_{2,3}[A-Z]{2,20}(?:_[A-Z]{1,20}){0,5}_{2,3}"
)
# What dashboards show of a secret, and what examples have in place of one.
MASK = r"[xX]{4,}|\*{3,}|•{3,}|\.{3,}|…+"

_WHOLE = re.compile(f"{TEMPLATE}|{SHOUTED}|{MASK}")
_WHOLE_OF_WORDS = re.compile(f"{IN_BRACKETS}|{DOLLAR}")
_LETTER = r"[A-Za-z0-9]"
_WITHIN = re.compile(
    f"{TEMPLATE}|{IN_BRACKETS}|(?<!{_LETTER})(?:{SHOUTED}|[xX]{{4,}})(?!{_LETTER})|"
    # Not every «your-…»: there are hosts called so.
    f"(?<!{_LETTER})(?i:your[-_](?:dsn|password|(?:api|cloud|db|database|project|public|secret)"
    rf"[-_](?:id|key|name|password|ref|secret|url)))(?!{_LETTER})"
)


def as_a_whole(text: str) -> str | None:
    """``text``, when it is a placeholder and nothing else."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return text
    if _WHOLE_OF_WORDS.fullmatch(text) and _has_known_words_only(text):
        return text
    return None


def within(text: str) -> str | None:
    """The first placeholder in ``text``; not for secrets, which may hold anything."""
    whole = as_a_whole(text)
    found = _WITHIN.search(text)
    return whole or (found[0] if found else None)


def _has_known_words_only(text: str) -> bool:
    # Words may also be told apart by their capitals: <dbPassword>.
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)
    return bool(words) and all(word.lower() in WORDS for word in words)


def unfilled(variable: str, placeholder: str, origin: str) -> SettingsError:
    """The error for ``variable``; ``origin`` is where the real value is found."""
    return SettingsError(
        f"{variable} still holds the placeholder {placeholder}: put in your own, from {origin}"
    )
