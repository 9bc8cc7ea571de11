"""Settings: environment variables, read and checked once, before anything else happens.

reading       all settings; raises an error that names the variable and the fix
environment   typed values: counts, seconds, choices
cloudinary    where to upload, read as the official SDK reads it
processes     how many processes work
sentry        where failures are reported
dsn           the database's address, from a URL to what libpq reads
placeholders  parts of an example that were never filled in
libpq         libpq's own parameters, variables and certificate files
"""
