"""The worker's HTTP side: health, metrics, the cron route, rows and their pictures, the board.

``server`` accepts connections in its own thread (``listener``). It answers there what needs no
waiting (``arrival``), and hands other requests to a few threads once they are whole (``channel``).
``application`` finds the route and turns errors into answers. ``health``, ``metrics``, ``cron``,
``storyboards`` and ``picture`` answer, and ``board`` has the pages for people, with the texts of
``texts``. They ask the database in threads that a request can leave behind (``cached_read``,
``shared_reads``, ``errands``), so a database that never answers cannot block the threads of
requests.
"""
