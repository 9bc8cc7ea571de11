"""Every SQL statement of the worker. Each method is one short transaction.

``claims`` is a row's life with a worker: ``claiming`` takes rows with ``claim_statements``,
``ending`` writes ``ends`` of claims with ``end_statements``, ``giving_back`` gives rows back with
``give_back_statements``. ``claim_cursor`` says where the next claim begins, ``put_off`` and
``random_rank`` find rows that test an upstream. ``unanswered_claims`` and ``unanswered_ends`` keep
what was sent and not answered. ``next_due`` tells an idle worker what to expect.

``upkeep`` keeps rows from getting stuck, with ``upkeep_statements``; ``setting_aside`` fails rows
that make statements fail. ``rows``, ``failures``, ``counts`` and ``progress`` serve people and
producers. ``workers`` is the register of running workers, ``alarms`` that of alarms. The doctor
uses ``inspection``, ``drift``, ``rights`` and ``connection_kind``. ``columns`` holds shared pieces
of SQL. The package ``board`` is what the board reads and does.

No connection leaves this package. Only the database's clock decides what is due, expired or lapsed.
"""
