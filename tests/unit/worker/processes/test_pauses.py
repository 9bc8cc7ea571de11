"""Pauses of upstreams in memory that others read."""

from storyboard_worker.worker.processes.pauses import (
    LENGTH_AND_CHECKSUM,
    PAUSES_BYTES,
    Pause,
    read_pauses,
    write_pauses,
)


def test_what_is_written_is_read() -> None:
    memory = memoryview(bytearray(PAUSES_BYTES))
    assert read_pauses(memory) == {}
    pauses = {"cloudinary": Pause(20.5, 10.25), "a.example:443": Pause(1.0, None)}
    write_pauses(memory, pauses)
    assert read_pauses(memory) == pauses
    write_pauses(memory, {})
    assert read_pauses(memory) == {}


def test_too_many_leave_out_the_shortest() -> None:
    memory = memoryview(bytearray(PAUSES_BYTES))
    pauses = {f"{number}.images.example.com": Pause(999.0, 500.0 - number) for number in range(200)}
    write_pauses(memory, pauses)
    read = read_pauses(memory)
    assert 50 < len(read) < 200
    assert set(read) == {f"{number}.images.example.com" for number in range(200 - len(read), 200)}


def test_a_text_whose_writer_died_over_it_counts_for_nothing() -> None:
    memory = memoryview(bytearray(PAUSES_BYTES))
    write_pauses(memory, {"cloudinary": Pause(20.5, 10.25)})
    memory[LENGTH_AND_CHECKSUM.size] ^= 1
    assert read_pauses(memory) == {}
