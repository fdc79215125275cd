import pytest

from tests.support.configurations import MINIMAL, loaded, told


def database_of(text: str) -> str:
    return loaded(f"{MINIMAL}switch: {{database: '{text}'}}\n").switch.database


def complaints(text: str) -> list[str]:
    return told(f"{MINIMAL}switch: {{database: '{text}'}}\n")


@pytest.mark.parametrize(
    "database",
    [
        "embedded",
        "off",
        "postgresql://localhost",
        "postgres://user:p%40ss@db.example.org:5433/switch?sslmode=require",
        "postgresql://[2001:db8::1]:5432/x",
        "postgresql://a:5432,b:5433/x",
        "postgresql:///x?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/x",
    ],
)
def test_a_database_is_a_word_or_a_connection_string(database: str) -> None:
    assert database_of(database) == database


@pytest.mark.parametrize(
    ("database", "complaint"),
    [
        ("embeded", 'not "embeded" (did you mean "embedded"?)'),
        ("localhost", "expected embedded, off, or a connection string"),
        ("mysql://h/x", 'begins with "mysql://", not postgresql://'),
        ("postgresql://h:99999/x", 'has the port "99999", which is none'),
        ("postgresql://h:x/x", 'has the port "x", which is none'),
        ("postgresql://-h-/x", 'has the host "-h-", which is none'),
        ("postgresql://h/a b", "has a space in it; write %20"),
        ("postgresql://u:50%@h/x", "has a % that no two hexadecimal digits follow"),
        ("postgresql://h/x#y", "has a # in it; write %23"),
        ("postgresql://[::1/x", "has brackets that enclose no IPv6 address"),
        ("postgresql://" + "h" * 2000, "is longer than 2000 characters"),
    ],
)
def test_what_is_no_connection_string(database: str, complaint: str) -> None:
    (found,) = complaints(database)
    assert complaint in found


def test_a_password_is_not_repeated_in_a_message() -> None:
    (found,) = complaints("postgresql://u:hunter2@h:x/x")
    assert "hunter2" not in found
