"""Each value of a parameter of the installed libpq is checked as libpq checks it."""

import pytest
from psycopg import pq

from storyboard_worker.errors import SettingsError
from storyboard_worker.settings.libpq.parameters import KNOWN, SECRETS, VARIABLES
from storyboard_worker.settings.libpq.rehearsal import objection
from storyboard_worker.settings.libpq.rules import RULES
from storyboard_worker.settings.reading import read_settings

TEXTS = {
    *("user", "password", "dbname", "service", "passfile", "requirepeer", "krbsrvname", "gsslib"),
    *("application_name", "fallback_application_name", "sslpassword", "sslkeylogfile"),
    *("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"),
}
# Values that are read as files, or parsed by libpq itself.
LOOKED_AT_OTHERWISE = {
    *("sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir"),
    *("scram_client_key", "scram_server_key"),
}
GOOD = {
    "host": ["", "db.example.com", "/tmp/a b", "::1", "fe80::1%eth0", "a,b", "a,,/tmp", "db_1"],
    "hostaddr": ["", "127.0.0.1", "::1", "127.0.0.1,::1"],
    "port": ["", "1", "5432", "65535", "5432,5433", ",5433"],
    "connect_timeout": ["0", "10", " 10 ", "2147483647"],
    "client_encoding": ["", "UTF8", "utf-8", "utf8", "unicode", "UNICODE"],
    "options": [
        *("", "-c geqo=off", "-cgeqo=off", "--geqo=off", "-c geqo=off --jit=off -c a.b=1"),
        *("reference=abcdefgh", "endpoint=ep-cool-1", "project=x", "--cluster=one-2", "-B 64"),
        *(r"-c search_path=a\ b", "-c search_path=a,b", " -c geqo=off ", "-c a=-1 -E"),
    ],
    "keepalives": ["0", "1"],
    "keepalives_idle": ["1", "32767"],
    "keepalives_interval": ["1", "32767"],
    "keepalives_count": ["1", "127"],
    "tcp_user_timeout": ["0", "60000"],
    "sslmode": ["disable", "allow", "prefer", "require"],
    "ssl_min_protocol_version": ["", "TLSv1.3", "tlsv1.2"],
    "ssl_max_protocol_version": ["", "TLSv1.3"],
    "require_auth": ["", "md5", "scram-sha-256,md5", "!none", "!password,!md5"],
    "channel_binding": ["disable", "prefer", "require"],
    "target_session_attrs": ["any", "read-write", "primary"],
    "load_balance_hosts": ["disable", "random"],
    "gssencmode": ["disable", "prefer", "require"],
    "sslcertmode": ["disable", "allow", "require"],
    "sslnegotiation": ["postgres"],
}
BAD = {
    "host": ["a@b", "a b", "[::1]", "db:5432", "<db", "db/x", "fe80::zz"],
    "hostaddr": ["db", "1.2.3", "127.0.0.1:5432", "127.0.0.1,db"],
    "port": ["0", "65536", "http", "54 32", "5432,x", "٣", "-1"],
    "connect_timeout": ["5s", "5.5", "ten", "-1", "2147483648", "", "1e3"],
    "client_encoding": ["latin1", "SQL_ASCII", "auto", "utf16"],
    "options": [
        "geqo",
        "-c",
        "-c geqo",
        "--geqo",
        "-c+geqo=off",
        "x -c geqo=off",
        "-c -c a=b",
        "-",
    ],
    "keepalives": ["true", "yes", "2", ""],
    "keepalives_idle": ["0", "-1", "32768", "30s"],
    "keepalives_interval": ["0", "-1", "32768"],
    "keepalives_count": ["0", "-1", "128"],
    "tcp_user_timeout": ["1m", "2147483648", "-1"],
    "sslmode": ["no-verify", "REQUIRE", "true", "verify_full", ""],
    "ssl_min_protocol_version": ["1.2", "TLS1.2", "TLSv1.4"],
    "ssl_max_protocol_version": ["TLSv2"],
    "require_auth": ["scram", "md5,!none", "!md5,password", "MD5"],
    "channel_binding": ["true", "on"],
    "target_session_attrs": ["write", "standby", "read-only", "prefer-standby", "Primary"],
    "load_balance_hosts": ["true", "on"],
    "gssencmode": ["off", "true"],
    "sslcertmode": ["prefer"],
    "sslnegotiation": ["ssl"],
    "sslsni": ["true"],
    "sslcompression": ["on"],
    "gssdelegation": ["yes"],
    "replication": ["true", "database", "1"],
    "min_protocol_version": ["3.1", "3"],
    "max_protocol_version": ["18"],
}
# libpq accepts these values, and they cannot work: the worker writes, in UTF-8. Other values
# are checked by libpq only over TCP, or by the server.
STRICTER = {
    *("host", "options", "client_encoding", "connect_timeout", "replication", "gssdelegation"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "sslsni", "sslcompression", "hostaddr", "target_session_attrs"),
    "gssencmode",
}


def test_every_parameter_of_this_libpq_is_accounted_for() -> None:
    assert KNOWN - RULES.keys() == TEXTS | LOOKED_AT_OTHERWISE
    assert RULES.keys() <= KNOWN
    assert RULES.keys() == BAD.keys(), "each rule has values here that it refuses"


def test_variables_and_secrets_are_those_of_libpq() -> None:
    assert VARIABLES["sslmode"] == "PGSSLMODE"
    assert {"password", "sslpassword", "scram_client_key"} <= SECRETS
    assert "user" not in SECRETS


@pytest.mark.parametrize("name", GOOD)
def test_good_values_are_taken_by_us_and_by_libpq(name: str) -> None:
    for value in GOOD[name]:
        assert RULES[name].is_kept_by(value), value
        pair = {name: value}
        if name == "hostaddr" or value.count(","):
            continue
        assert objection(pair) is None, value


CASES = [(name, value) for name, values in BAD.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_bad_values_are_refused_as_libpq_would(name: str, value: str) -> None:
    assert not RULES[name].is_kept_by(value)
    if name not in STRICTER:
        assert objection({name: value}) is not None


@pytest.mark.parametrize(("name", "value"), [case for case in CASES if case[1]])
def test_the_error_names_the_parameter_and_what_is_allowed(name: str, value: str) -> None:
    variables = {"DATABASE_URL": f"postgresql://app:hunter2@db/x?{name}={value}"}
    with pytest.raises(SettingsError) as raised:
        read_settings(variables)
    message = str(raised.value)
    assert message.startswith(("DATABASE_URL has a wrong ", "DATABASE_URL has an @"))
    if "@" not in value:
        assert message.startswith(f"DATABASE_URL has a wrong {name}")
        assert f": give {RULES[name].allowed}" in message
        assert repr(value) in message
    assert "\n" not in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslnegotiation=direct", "sslnegotiation=direct"),
        ("ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2", "SSL protocol"),
        ("port=1,2", "could not match 2 port numbers to 1 hosts"),
        ("hostaddr=127.0.0.1,127.0.0.2", "could not match 1 host names to 2 hostaddr values"),
        ("scram_client_key=x", "invalid SCRAM client key"),
    ],
)
def test_values_that_do_not_go_together_are_refused_in_libpqs_words(query: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^DATABASE_URL is refused by libpq: .*{said}"):
        read_settings({"DATABASE_URL": f"postgresql://app:pw@db/x?{query}"})


def test_values_that_do_go_together() -> None:
    for query in (
        "sslnegotiation=direct&sslmode=require",
        "host=a,b,c&port=5432",
        "host=a,b&hostaddr=127.0.0.1,127.0.0.2&port=1,2",
        "gssencmode=require",
    ):
        read_settings({"DATABASE_URL": f"postgresql:///x?{query}"})


def test_a_service_that_is_not_there_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL has a wrong service: ") as raised:
        read_settings({"DATABASE_URL": "postgresql://app:pw@db/x?service=hunter2"})
    assert "hunter2" not in str(raised.value)


def test_the_rehearsal_asks_this_libpq() -> None:
    assert pq.version() >= 160_000
    assert objection({}) is None
    assert objection({"sslmode": "sometimes"}) == 'invalid sslmode value: "sometimes"'
