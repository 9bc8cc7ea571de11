"""Checks libpq's parameters and variables for values that can never work.

libpq reads most of them only when it connects. A worker would then repeat a hopeless attempt for
ever, so all are checked when settings are read.
"""
