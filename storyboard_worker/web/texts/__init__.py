"""The texts that people see on the web, in English and in Simplified Chinese.

A folder holds each language (``en``, ``zh``), a TOML file in it the texts of one page. The key
``view.ready`` is the text ``ready`` of ``view.toml``. ``catalogue`` reads them, ``choice`` finds
the language that a request asks for. ``tests/unit/web/texts`` keeps both languages complete.
"""
