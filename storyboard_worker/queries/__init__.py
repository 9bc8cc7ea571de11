"""Every SQL statement of the worker; each method is one short transaction.

``claims`` holds the life of a row in a worker's hands, and ``claim_cursor`` where the next claim
begins; ``next_due`` is what an idle worker has to expect, ``upkeep`` keeps rows from getting
stuck, ``rows`` is what people and producers do, ``counts`` what they look at, and ``workers``
the register of running workers. No connection leaves this package, and only the database's
clock decides what is due, expired or lapsed.
"""
