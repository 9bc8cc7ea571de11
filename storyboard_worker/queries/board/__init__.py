"""What the board reads, and what it does to rows.

``pages`` reads panels page by page: ``filters`` says which, ``places`` where a page begins, and
``strands`` along which indexes the rows are found. ``panels`` is what a page shows of a row.
``changes`` tells an open page what is new. ``lives`` is the history of one panel, ``summary`` the
state of the whole, ``causes`` why rows failed. ``retrying`` puts failed rows back.

Each read costs about the same with a million rows as with a hundred: it walks along an index and
looks at a bounded number of rows. ``short_read`` gives each a time limit of its own.
"""
