"""Statements that leave a database like an interrupted migration."""

from tests.support.waiting_rows import BEFORE

AS_IF_INTERRUPTED = f"UPDATE storyboard_worker_version SET version_num = '{BEFORE}'"
WITHOUT_TRIGGERS = "SET session_replication_role = replica"
