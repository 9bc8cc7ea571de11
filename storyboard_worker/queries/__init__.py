"""Every SQL statement of the worker; each method is one short transaction.

``claims`` holds the life of a row in a worker's hands, ``upkeep`` what keeps rows from
getting stuck, ``rows`` what people and producers do, ``counts`` what they look at, and
``workers`` the register of running workers. No connection leaves this package, and only
the database's clock decides what is due, expired or lapsed.
"""
