"""The values of libpq's parameters that can lead to a connection.

The source is https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS and
what libpq does on Linux. Parameters without a rule take any text.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

MOST_INTEGER = 2**31 - 1
MOST_PORT = 65_535

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
AUTHENTICATIONS = "password|md5|gss|sspi|scram-sha-256|oauth|none"


@dataclass(frozen=True, slots=True)
class Rule:
    """``allowed`` completes the sentence «give …»."""

    allowed: str
    is_kept_by: Callable[[str], bool]


def one_of(*values: str, note: str = "") -> Rule:
    return Rule(f"one of {', '.join(values)}{note}", lambda value: value in values)


def whole(least: int, most: int, unit: str) -> Rule:
    # libpq allows white space around a number.
    def is_kept_by(value: str) -> bool:
        digits = re.fullmatch(r"\s*[+-]?[0-9]{1,10}\s*", value)
        return digits is not None and least <= int(value) <= most

    return Rule(f"a whole number of {unit} from {least} to {most}", is_kept_by)


def shaped(pattern: str, allowed: str) -> Rule:
    """A text that matches ``pattern``. An empty one counts as not given."""
    return Rule(allowed, lambda value: re.fullmatch(pattern, value) is not None or value == "")


def each(is_kept_by: Callable[[str], bool], allowed: str) -> Rule:
    """A list with commas. Empty members take libpq's default."""

    def are_kept_by(value: str) -> bool:
        return all(is_kept_by(member) for member in value.split(",") if member)

    return Rule(allowed, are_kept_by)


def is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 1 <= int(text) <= MOST_PORT


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """A path, an address or a name. psycopg knows no abstract sockets, whose name begins with @."""
    if text.startswith("/"):
        return True
    if ":" in text:
        return is_address(text)
    return re.fullmatch(r"""[^\s@/\\?#<>\[\]{}()$"'`^|;]+""", text) is not None


# Settings of the server process (-c name=value), its other switches (-B 64), and options for
# poolers (name=value). A backslash keeps white space within a word.
_WORD = r"(?:\\.|[^\s\\])*"
_SETTING = rf"[A-Za-z_][\w.-]*={_WORD}"
_OPTION = rf"(?:-c\s*|--)?{_SETTING}|-[A-Zabd-z]{_WORD}(?:\s+[^-\s]{_WORD})?"
OPTIONS = rf"\s*(?:{_OPTION})(?:\s+(?:{_OPTION}))*\s*"

_TLS_VERSION = shaped(r"(?i:TLSv1(\.[123])?)", "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3")
_PROTOCOL_VERSION = one_of("3.0", "3.2", "latest")
_ON_OR_OFF = one_of("0", "1")

RULES: dict[str, Rule] = {
    "host": each(is_host, "names, addresses or folders of sockets, and nothing else"),
    "hostaddr": each(is_address, "IP addresses"),
    "port": each(is_port, f"a whole number from 1 to {MOST_PORT}"),
    "connect_timeout": whole(0, MOST_INTEGER, "seconds"),
    # The worker's statements use characters that LATIN1 and others lack.
    "client_encoding": shaped(r"(?i:utf-?8|unicode)", "UTF8"),
    "options": shaped(
        OPTIONS, "settings like -c statement_timeout=5000, in a URL -c%20statement_timeout%3D5000"
    ),
    "keepalives": _ON_OR_OFF,
    # Linux refuses larger values, and 0, which libpq's manual allows.
    "keepalives_idle": whole(1, 32_767, "seconds"),
    "keepalives_interval": whole(1, 32_767, "seconds"),
    "keepalives_count": whole(1, 127, "probes"),
    "tcp_user_timeout": whole(0, MOST_INTEGER, "milliseconds"),
    "sslmode": one_of(*SSL_MODES, note=" (what others call no-verify is require)"),
    "sslnegotiation": one_of("postgres", "direct"),
    "sslcompression": _ON_OR_OFF,
    "sslcertmode": one_of("disable", "allow", "require"),
    "sslsni": _ON_OR_OFF,
    "ssl_min_protocol_version": _TLS_VERSION,
    "ssl_max_protocol_version": _TLS_VERSION,
    "min_protocol_version": _PROTOCOL_VERSION,
    "max_protocol_version": _PROTOCOL_VERSION,
    "channel_binding": one_of("disable", "prefer", "require"),
    "require_auth": shaped(
        rf"(!?)(?:{AUTHENTICATIONS})(?:,\1(?:{AUTHENTICATIONS}))*",
        f"some of {AUTHENTICATIONS.replace('|', ', ')} with commas, all or none of them with !",
    ),
    "gssencmode": one_of("disable", "prefer", "require"),
    "gssdelegation": _ON_OR_OFF,
    "replication": one_of("false", "off", "no", "0", note=" (a worker replicates nothing)"),
    "target_session_attrs": one_of("any", "read-write", "primary", note=" (the worker writes)"),
    "load_balance_hosts": one_of("disable", "random"),
}
