"""``doctor``: checks of the whole installation, each with its fix.

A group of checks is a function that yields what it found. ``examination`` calls them one after the
other, each for a limited time. Nothing is changed, and no secret is shown.
"""
