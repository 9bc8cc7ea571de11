"""Faults that the tests plant in the tables, with the checks that must find each."""

from storyboard_worker.doctor.migration_text import statements

WITHOUT_LIMITS = """ALTER TABLE storyboards DROP CONSTRAINT storyboards_project_id_length_check,
DROP CONSTRAINT storyboards_source_host_length_check,
DROP CONSTRAINT storyboards_source_url_length_check"""
# The planted fault, and the checks that must find it.
PLANTED = {
    "a trigger is missing": (
        "DROP TRIGGER storyboards_notify_insert ON storyboards",
        {("schema parts", "fail")},
    ),
    "the other trigger is missing": (
        "DROP TRIGGER storyboards_before_write ON storyboards",
        {("schema parts", "fail")},
    ),
    "a trigger is disabled": (
        "ALTER TABLE storyboards DISABLE TRIGGER storyboards_before_write",
        {("schema parts", "fail")},
    ),
    "a trigger is on for replicas only": (
        "ALTER TABLE storyboards ENABLE REPLICA TRIGGER storyboards_notify_update",
        {("schema parts", "fail")},
    ),
    "the function of a trigger is missing": (
        "DROP FUNCTION storyboards_before_write() CASCADE",
        {("schema parts", "fail")},
    ),
    "the function of the notifying triggers is missing": (
        "DROP FUNCTION storyboards_notify() CASCADE",
        {("schema parts", "fail")},
    ),
    "a column is missing": (
        "ALTER TABLE storyboards DROP COLUMN project_id CASCADE",
        {("schema parts", "fail"), ("claim", "fail")},
    ),
    "a column that claims hand out is missing": (
        "ALTER TABLE storyboards DROP COLUMN baggage",
        {("schema parts", "fail"), ("claim", "fail")},
    ),
    "a column that a constraint guards is missing": (
        "ALTER TABLE storyboards DROP COLUMN etag",
        {("schema parts", "fail")},
    ),
    "a constraint is missing": (
        "ALTER TABLE storyboards DROP CONSTRAINT storyboards_moments_check",
        {("schema parts", "fail")},
    ),
    "a constraint was never proven": (
        """ALTER TABLE storyboards DROP CONSTRAINT storyboards_finished_check;
        ALTER TABLE storyboards ADD CONSTRAINT storyboards_finished_check
        CHECK ((finished_at IS NOT NULL) = (status IN ('ready', 'failed'))) NOT VALID""",
        {("schema parts", "fail")},
    ),
    "the bounds are missing, and a row lies outside": (
        """ALTER TABLE storyboards DROP CONSTRAINT storyboards_bounds_check;
        INSERT INTO storyboards (source_url, attempts, available_at)
        VALUES ('https://images.example/a.jpeg', 2147483647, '9998-01-01 00:00+00')""",
        {("schema parts", "fail")},
    ),
    "the bounds of workers are missing": (
        "ALTER TABLE storyboard_workers DROP CONSTRAINT storyboard_workers_bounds_check",
        {("schema parts", "fail")},
    ),
    "the limits of length are missing, and a project is longer": (
        f"""{WITHOUT_LIMITS};
        INSERT INTO storyboards (project_id, source_url, available_at)
        VALUES (repeat('p', 2000), 'https://images.example/a.jpeg', '9998-01-01 00:00+00')""",
        {("schema parts", "fail")},
    ),
    "a constraint of workers is missing": (
        "ALTER TABLE storyboard_workers DROP CONSTRAINT storyboard_workers_state_check",
        {("schema parts", "fail")},
    ),
    "the function of a trigger is that of an older version": (
        statements(r"CREATE FUNCTION public\.storyboards_before_write\b.*?\$body\$.*?\$body\$")[
            0
        ].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
        {("schema parts", "fail")},
    ),
    "the function that reads the expiry does something else": (
        """CREATE OR REPLACE FUNCTION storyboard_source_expiry(url text) RETURNS timestamptz
        LANGUAGE sql STABLE STRICT AS 'SELECT NULL::timestamptz'""",
        {("schema parts", "fail")},
    ),
    "the function that reads the expiry is missing": (
        "DROP FUNCTION storyboard_source_expiry(text)",
        {("schema parts", "fail")},
    ),
    "the table of alarms is missing": (
        "DROP TABLE storyboard_alarms",
        {("schema parts", "fail")},
    ),
    "the claim index is missing": (
        "DROP INDEX storyboards_claim_idx",
        {("schema parts", "fail"), ("claim", "fail")},
    ),
    "an index of an older version is left": (
        "CREATE INDEX storyboards_claim_old_idx ON storyboards (id) WHERE status = 'pending'",
        {("schema parts", "warn")},
    ),
    "the trigger that ranks rows is missing": (
        "DROP TRIGGER storyboards_effective_expiry ON storyboards",
        {("schema parts", "fail")},
    ),
    "the column that ranks rows is missing": (
        "ALTER TABLE storyboards DROP COLUMN effective_expires_at CASCADE",
        {("schema parts", "fail"), ("claim", "fail")},
    ),
    "the function that ranks rows does something else": (
        """CREATE OR REPLACE FUNCTION storyboards_effective_expiry() RETURNS trigger
        LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'""",
        {("schema parts", "fail")},
    ),
    "the index of rows that were tried is missing": (
        "DROP INDEX storyboards_tried_idx",
        {("schema parts", "fail")},
    ),
    "the index of rows that lost a worker is missing": (
        "DROP INDEX storyboards_lost_idx",
        {("schema parts", "fail")},
    ),
    "the bound of what a row has gone through is missing": (
        "ALTER TABLE storyboards DROP CONSTRAINT storyboards_suspects_check",
        {("schema parts", "fail")},
    ),
    "an index is unusable": (
        """UPDATE pg_index SET indisvalid = false
        WHERE indexrelid = 'storyboards_failed_idx'::regclass""",
        {("schema parts", "fail")},
    ),
    "the view is missing": (
        "DROP VIEW storyboard_progress",
        {("schema parts", "fail")},
    ),
    "the view is that of an older version": (
        """DROP VIEW storyboard_progress; CREATE VIEW storyboard_progress
        WITH (security_invoker = true) AS SELECT id, project_id, position, status, cdn_url,
        ''::text AS message, true AS can_retry, error_code, updated_at FROM storyboards;
        GRANT SELECT ON storyboard_progress TO service_role""",
        {("schema parts", "fail")},
    ),
    "the list of orphans is missing": (
        "DROP TABLE storyboard_orphans",
        {("schema parts", "fail"), ("orphaned pictures", "fail")},
    ),
    "the trigger that lists orphans is missing": (
        "DROP TRIGGER storyboards_orphan_delete ON storyboards",
        {("schema parts", "fail")},
    ),
    "the history of attempts is missing": (
        "DROP TABLE storyboard_attempts",
        {("schema parts", "fail")},
    ),
    "the trigger that notes attempts is missing": (
        "DROP TRIGGER storyboards_note_attempt ON storyboards",
        {("schema parts", "fail")},
    ),
    "row-level security is off": (
        "ALTER TABLE storyboards DISABLE ROW LEVEL SECURITY",
        {("row-level security", "fail")},
    ),
    "row-level security of the register is off": (
        "ALTER TABLE storyboard_workers DISABLE ROW LEVEL SECURITY",
        {("row-level security", "fail")},
    ),
    "a policy opens the table": (
        'CREATE POLICY "everybody may" ON storyboards FOR SELECT USING (true)',
        {("row-level security", "warn")},
    ),
    "anon may read": ("GRANT SELECT ON storyboards TO anon", {("rights", "fail")}),
    "anon may read a column": (
        "GRANT SELECT (source_url) ON storyboards TO anon",
        {("rights", "fail")},
    ),
    "everybody may read the view": (
        "GRANT SELECT ON storyboard_progress TO PUBLIC",
        {("rights", "fail")},
    ),
    "everybody may call a function": (
        "GRANT EXECUTE ON FUNCTION storyboard_source_expiry(text) TO PUBLIC",
        {("rights", "fail")},
    ),
    "the web app may not write": (
        "REVOKE INSERT, UPDATE ON storyboards FROM service_role",
        {("rights", "fail")},
    ),
    "the web app may not call what the trigger calls": (
        "REVOKE EXECUTE ON FUNCTION storyboard_source_expiry(text) FROM service_role",
        {("rights", "fail")},
    ),
    "the web app may not enter the schema": (
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC, service_role",
        {("rights", "fail")},
    ),
    "autovacuum is off for the table": (
        "ALTER TABLE storyboards SET (autovacuum_enabled = false)",
        {("vacuum", "fail")},
    ),
}
