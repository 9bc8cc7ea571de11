"""Redaction: nothing secret leaves, and text of others does no harm.

redactor           cuts signed URLs to scheme, host and path, and removes known secrets
secret_parameters  finds the values of signatures and keys by the names of their parameters
foreign_text       escapes what would steer a terminal or break a JSON line
"""
