"""Limits for the length of source_url, of its host, and of project_id.

Longer texts take longer to read. Servers refuse request lines far below 16 KB. A host of more than
253 characters cannot be in DNS (RFC 1035, section 2.3.4). project_id is in an index, whose entries
hold 2704 bytes. Whether it accepted a longer one depended on how well the text could be compressed.
"""

from alembic import op
from storyboard_worker.database import online_ddl

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MAX_URL_BYTES = 16 * 1024
MAX_HOST_CHARACTERS = 253
MAX_PROJECT_BYTES = 1024

AUTHORITY = "split_part(split_part(split_part(source_url, '/', 3), '?', 1), '#', 1)"
# The host, as `storyboard.host_of` reads it. Read only where AUTHORITY is long, which is rare.
HOST = r"""coalesce(
        substring(source_url FROM '^[^:]+://(?:[^/?#]*@)?\[([^]]+)\]'),
        substring(source_url FROM '^[^:]+://(?:[^/?#]*@)?([^/:?#]*)'))"""

# A finished row stays as it is: it shows a picture or an error, and a restore may insert it. An
# update that makes it wait again, by another source_url or a retry, is checked.
FINISHED = "status = 'ready' OR status = 'failed'"
URL_BOUND = f"""{FINISHED}
    OR octet_length(source_url) <= {MAX_URL_BYTES}"""
HOST_BOUND = f"""{FINISHED}
    OR octet_length({AUTHORITY}) <= {MAX_HOST_CHARACTERS}
    OR char_length({HOST}) <= {MAX_HOST_CHARACTERS}"""
PROJECT_BOUND = f"octet_length(project_id) <= {MAX_PROJECT_BYTES}"

UNFINISHED = "(status = 'pending' OR status = 'processing')"


def failing(bound: str, message: str) -> str:
    """Fails unfinished rows outside of ``bound`` and keeps their URL, which exists nowhere else.

    Left pending, such a row would make a worker's statements fail when it had to wait again, and
    some of these statements are about many rows.
    """
    return f"""
UPDATE public.storyboards SET
    status = 'failed', error_code = 'source_blocked', errored_at = now(), sentry_event_id = NULL,
    error_message = '{message}'
WHERE NOT ({bound})
    AND {UNFINISHED}
"""  # noqa: S608  our own constants


def bounding(name: str, bound: str) -> str:
    """NOT VALID for the reason given in 0004."""
    return f"""
ALTER TABLE public.storyboards ADD CONSTRAINT {name}
    CHECK ({bound}) NOT VALID
"""


FAIL_URL = failing(URL_BOUND, f"the source_url has more than {MAX_URL_BYTES} bytes")
FAIL_HOST = failing(HOST_BOUND, f"the host has more than {MAX_HOST_CHARACTERS} characters")
# To fail these rows would lose good images for the length of a project's name. Rows of one project
# stay together, and those of two projects stay apart. 200 characters are at most 800 bytes.
SHORTEN_PROJECT = f"""
UPDATE public.storyboards SET
    project_id = left(project_id, 200) || '-' || to_hex(hashtextextended(project_id, 0))
WHERE NOT ({PROJECT_BOUND})
"""  # noqa: S608  our own constants

# All rows satisfy one constraint before the next is added, because it would refuse corrections of
# rows that break it.
CHECKS = [
    ("storyboards_project_id_length_check", PROJECT_BOUND, SHORTEN_PROJECT),
    ("storyboards_source_host_length_check", HOST_BOUND, FAIL_HOST),
    ("storyboards_source_url_length_check", URL_BOUND, FAIL_URL),
]


def upgrade() -> None:
    online_ddl.run(in_one_transaction=run_in_one_transaction, beside_others=run_beside_others)


def run_in_one_transaction() -> None:
    # As in 0004: the slow look at every row comes first. The first constraint locks the table, so
    # only short steps follow it.
    for _, _, correction in CHECKS:
        op.execute(correction.strip())
    for name, bound, correction in CHECKS:
        op.execute(bounding(name, bound).strip())
        unfinished = "" if UNFINISHED in correction else f" AND {UNFINISHED}"
        op.execute(f"{correction.strip()}{unfinished}")


def run_beside_others() -> None:
    for name, bound, correction in CHECKS:
        online_ddl.add_check("public.storyboards", name, bounding(name, bound), correction)


def downgrade() -> None:
    for name in ("source_url", "source_host", "project_id"):
        op.execute(
            f"ALTER TABLE public.storyboards DROP CONSTRAINT storyboards_{name}_length_check"
        )
