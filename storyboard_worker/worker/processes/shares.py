"""How processes share the slots."""


def shares(slots: int, processes: int) -> list[int]:
    """The slots of each process, as even as can be; the first have one more."""
    least, more = divmod(slots, processes)
    return [least + (number < more) for number in range(processes)]
