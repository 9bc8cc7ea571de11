"""The worker's HTTP side: health, metrics, the cron route, one row's progress, the board.

``server`` accepts connections in its own thread and hands whole requests to a few others.
``application`` finds the route and turns errors into answers. ``health``, ``metrics``, ``cron`` and
``storyboards`` answer, ``picture`` draws, and ``board`` has the pages for people. They ask the
database in threads that a request can leave behind (``cached_read``, ``errands``), so a database
that never answers cannot block the threads of requests.
"""
