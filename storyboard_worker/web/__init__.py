"""The worker's HTTP side: health, metrics, the cron route, one row's progress.

How everything flows: ``server`` takes connections in a thread of its own and hands whole requests
to a few others; ``application`` finds the route and turns errors into answers; each route's room
answers. What asks the database does so in a thread that the request can leave behind (``looks``,
``errands``), so that a database that never answers cannot take the threads that tell of it.
"""
