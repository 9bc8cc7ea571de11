"""Copies generated storyboard images to Cloudinary before their signed URLs die.

How a row flows through the wings:

1. A producer inserts a row into the table ``storyboards``. The database reads the expiry of its URL
   and notifies the workers.
2. ``worker``: the loop has free slots and claims that many rows through ``queries``, over a
   connection of ``database``. A claim lasts for a lease, which the keeper renews.
3. A slot makes one attempt (``attempts``). ``transfer`` copies the image from its source to
   Cloudinary in one pass, over the sockets of ``wire``.
4. After an error ``attempts`` decides: another attempt, failure, or release. Its circuit breakers
   decide whether an upstream is asked at all.
5. The slot hands the outcome to the loop, which writes it under the condition that the claim token
   is still there.
   ``reporting`` tells Sentry of failures; ``logs`` and ``redaction`` keep secrets out of all texts.
6. If the worker dies, the lease lapses, and another worker or the cron pass takes the row up again.

A claim has one way: table, loop, slot, outbox, loop, table.

``cli`` puts the parts together from ``settings``. ``web`` and ``doctor`` show how the work fares.
``errors``, ``storyboard`` and ``timings`` are the values that travel, ``lengths`` bounds what
producers write, ``resources`` handles what a worker lacks, ``shutdown`` its signals. ``demo`` holds
stand-ins for both upstreams. ``.github/ARCHITECTURE.md`` has the details.
"""

__version__ = "0.1.0"
