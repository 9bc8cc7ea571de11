"""The way to the database: connections whose every wait ends, and short transactions on them.

``dialing`` makes connections, refused ones ever more rarely (``refusals``). ``bounded_connection``
is what one is, and ``exchange_bound`` says how long an exchange on it may take. ``pool`` keeps a
few of them. ``transactions`` runs the transactions, ``session`` says what each is like, and
``one_round_trip`` sends a whole one of ``fixed_statement`` as one message. ``plan_keeping`` decides
whether sessions keep plans (``kept_plans``). ``translation`` turns the driver's errors into the
worker's own. ``patience`` repeats what failed while the database is away.

``tables`` describes the tables, ``schema`` migrates them, ``online_ddl`` and ``version_guard``
serve the migrations. ``embedded`` starts a private Postgres.
"""

from storyboard_worker.database.transactions import Database

__all__ = ["Database"]
