"""The long-running worker.

How everything flows: the main thread claims rows for free slots (``loop``) and waits, when
nothing is due, as ``idling`` says; a slot thread makes each attempt; the keeper thread renews
leases, beats, rescues and expires; the ``listener`` thread wakes the loop when a row is
inserted; the ``watchdog`` ends the process when the loop no longer moves.
"""
