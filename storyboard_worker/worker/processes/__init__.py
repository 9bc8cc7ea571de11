"""Several processes under one parent, where ``PROCESSES`` is above 1.

``supervisor`` is the parent: it keeps ``posts`` taken, starts processes again as ``restarts``
says, and passes a stop on. ``children`` forks, ``signals`` hears. In each process the
``stop_watcher`` sees that a stop is heard, and by a ``lifeline`` that the parent is gone.
``shares`` divides the slots.

``records`` are memory that all of them see. Each worker process writes into its own
(``publishing``, with the ``pauses`` of upstreams), and the HTTP process reads all (``observing``).
"""
