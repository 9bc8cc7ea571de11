"""The long-running worker, and the cron pass.

The main thread claims rows for free slots (``loop``, ``dispatch``) and waits as ``idling`` says.
A slot makes each attempt (``slots``). The ``keeper`` thread renews leases and sends the
``heartbeat``, which finds what ``housekeeping`` has to rescue or to expire. The ``listener`` thread
wakes the loop when a row arrives, and ``proofs`` shows that it still hears. The ``watchdog`` ends a
process that makes no progress, with ``keeper_watcher``; ``grace`` ends a stop that takes too long.
``outage`` keeps count of a database that is away, and ``check_in`` serves Sentry's monitor.

``sweep`` is one cron pass, with its ``alarms``. ``one_row`` processes a single row in the
foreground.
"""
