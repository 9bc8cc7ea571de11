"""The first statement of printed SQL: it checks that the database is where the text begins."""

from collections.abc import Sequence

from storyboard_worker.database.tables import VERSION_TABLE

PRINT = "storyboard-worker migrate --sql"


def guard(start: str | None, revisions: Sequence[str]) -> str:
    """A statement that raises unless the database is at ``start``, and says what to do.

    ``start`` is ``None`` where there must be no schema yet. ``revisions`` are all known ones,
    oldest first.
    """
    begins_at = f"'{start}'" if start else "NULL"
    already = "" if start else " already"
    newest, known = revisions[-1], ", ".join(f"'{revision}'" for revision in revisions)
    return f"""\
DO $guard$
DECLARE
    start text := {begins_at};
    found text;
BEGIN
    IF to_regclass('public.{VERSION_TABLE}') IS NOT NULL THEN
        SELECT version_num INTO found FROM public.{VERSION_TABLE};
        IF found IS NULL THEN
            RAISE EXCEPTION 'the schema was taken down and left an empty table: '
                'DROP TABLE public.{VERSION_TABLE}, and run this again';
        END IF;
    END IF;
    IF found IS DISTINCT FROM start THEN
        RAISE EXCEPTION '%', CASE
            WHEN found IS NULL THEN
                'there is no schema yet: print all of it with {PRINT}'
            WHEN found = '{newest}' THEN
                'the schema is at {newest} already, the newest: there is nothing to do'
            WHEN found IN ({known}) THEN
                format('the schema is at %s{already}: '
                    'print what is newer with {PRINT} --from %s', found, found)
            ELSE
                format('the schema is at %s, which this text does not know: '
                    'print it with the newest storyboard-worker', found)
        END;
    END IF;
END
$guard$"""  # noqa: S608  our own names
