"""The long-running worker, and the cron pass.

``worker`` is the life of the process, ``crew`` its threads, and ``shift`` what it shares with the
cron pass: claims go into ``slots``, outcomes come out through the ``outbox``, and ``held_rows`` go
back without an attempt. The main thread claims rows for free slots (``loop``, ``dispatch``) and
waits as ``idling`` says.

The ``keeper`` thread renews leases and sends the ``heartbeat``, which finds what ``housekeeping``
has to rescue or to expire. The ``listener`` thread wakes the loop when a row arrives, and
``proofs`` shows that it still hears. The ``watchdog`` ends a process that makes no progress, with
``keeper_watcher``; ``grace`` ends a stop that takes too long. ``outage`` keeps count of a database
that is away, ``check_in`` serves Sentry's monitor, and ``vitals`` tells HTTP how all that fares.

``processes`` are several workers under one parent.

``sweep`` is one cron pass, with its ``drain``, ``tally`` and ``alarms``. ``one_row`` processes a
single row in the foreground.
"""
