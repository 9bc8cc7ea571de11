"""Names as SQL wants them, in what is to be typed."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
