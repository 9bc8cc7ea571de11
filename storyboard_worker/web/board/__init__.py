"""The board: pages on which a person sees every panel and what is wrong, and presses «retry».

``board`` puts it together. Who may see it: ``sessions``, ``guesses`` and ``access`` know who is
signed in, ``same_site`` and ``forms`` keep posts of other sites out, ``sign_in`` has the pages,
``door`` limits how many wait. What it shows: ``reads`` asks the database, ``verdict`` says whether
all is well, ``wanted`` reads a filter from an address, ``cards`` groups the panels, ``pictures``
knows where pictures lie. How: ``rendering`` fills the templates, ``pages`` adds the headers,
``assets`` serves style and script.
``gallery``, ``panel``, ``putting_back`` and ``live`` answer.
"""
