"""Settings, read once from environment variables.

``reading`` reads them all into ``Settings``. ``environment`` reads single values with their types.
``dsn`` reads the database's address, with ``libpq`` for what libpq accepts, ``cloudinary`` and
``sentry`` their accounts. ``placeholders`` recognises values of an example that were not filled in.
"""
