"""What libpq takes: its parameters and variables, and which of their values can work.

libpq looks at most of them only when it connects. A worker would then try for ever with a value
that can never work, so all are looked at when settings are read.
"""
