"""``doctor``: an experienced colleague's look at the whole installation.

Each room of checks is a function that yields what it found; ``examination`` calls them one after
the other, none longer than it has patience for. Nothing is changed, and no secret is shown.
"""
