"""Several processes under one parent, where ``PROCESSES`` is above 1.

``supervisor`` is the parent: it keeps ``posts`` taken, starts processes again as ``restarts``
says, and passes a stop on. ``children`` forks, ``signals`` hears, and by its ``lifeline`` a process
notices that its parent is gone. ``shares`` divides the slots.

``records`` are memory that all of them see. Each worker process writes into its own
(``publishing``, with the ``pauses`` of upstreams), and the HTTP process reads all (``observing``).
"""
