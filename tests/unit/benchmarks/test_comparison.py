"""The figures of the benchmark's contestants beside those of the best of their rivals."""

from collections.abc import Mapping, Sequence

from tests.benchmarks.comparison import Rivalry, copying_table, start_table
from tests.benchmarks.measure import Copied
from tests.benchmarks.workloads.start import Started

RIVALS = {"ours": ["quick", "small"], "quick": ["quick", "small"], "small": ["quick", "small"]}


def copied(seconds: float, cpu_ms: float, megabytes: float) -> Copied:
    return Copied(
        images=100,
        seconds=seconds,
        stored_seconds=seconds,
        cpu_ms_per_image=cpu_ms,
        peak_megabytes=megabytes,
        postgres_cpu_ms_per_image=0.5,
        transactions_per_image=None,
        samples=[],
    )


FOUND = {
    "ours": [copied(1.0, 1.0, 50.0)],
    "quick": [copied(2.0, 4.0, 200.0)],
    "small": [copied(4.0, 2.0, 100.0)],
}


def rows_of(
    rivals: Mapping[str, Sequence[str]],
    found: Mapping[str, Sequence[Copied]],
    reach: Mapping[tuple[str, str], str] | None = None,
) -> Sequence[Sequence[str]]:
    return copying_table("title", Rivalry("the best peer", rivals, reach or {}), found).rows


def test_each_figure_stands_beside_the_best_peer_of_that_figure() -> None:
    ours, quick, small = rows_of(RIVALS, FOUND, {("ours", "speed"): "≥ 1.5"})
    assert ours[:7] == ["ours", "100", "2.00 (reach ≥ 1.5)", "1.00", "0.50", "50.0", "0.50"]
    assert quick[2:7] == ["1.00", "4.00", "2.00", "200", "2.00"]
    assert small[2:7] == ["0.50", "2.00", "1.00", "100", "1.00"]


def test_a_contestant_is_compared_with_its_own_rivals_only() -> None:
    assert rows_of({**RIVALS, "ours": ["small"]}, FOUND)[0][2] == "4.00"


def test_a_peer_that_was_not_measured_is_no_rival() -> None:
    rivals = {"ours": ["absent", "small"], "small": ["absent"]}
    rows = rows_of(rivals, {"ours": FOUND["ours"], "small": FOUND["small"]})
    assert [row[2] for row in rows] == ["4.00", "-"]


def test_starts_are_compared_by_their_median_and_their_longest_waits() -> None:
    found = {
        "ours": [Started([1.0, 2.0, 9.0])],
        "quick": [Started([1.0, 1.0, 18.0])],
        "small": [Started([4.0, 4.0, 4.5])],
    }
    rivalry = Rivalry("the best peer", RIVALS, {("ours", "p50"): "< 1.2"})
    [ours, *_] = start_table("title", rivalry, found).rows
    assert ours == ["ours", "2.00 (reach < 1.2)", "2.00", "9.00", "2.00"]


def test_the_columns_name_the_rivals() -> None:
    table = copying_table("title", Rivalry("the first", RIVALS), FOUND)
    assert list(table.columns).count("of the first") == 3
    assert all(len(row) == len(table.columns) + 1 for row in table.rows)
