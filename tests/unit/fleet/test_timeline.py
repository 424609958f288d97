"""The time line of changes: what is one entry, where trouble begins, and how much happened when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.history import Record
from calmtui.fleet.timeline import QUIET, RUN, Mark, Timeline, bucket_of
from calmtui.fleet.update import ChangeKind


def went(at: float, node: str, before: str, after: str, **more: object) -> Record:
    fields = {"not_before": None, "kind": "pod", **more}
    return Record(
        at, "c", node, ChangeKind.ALTERED, node, str(fields["kind"]), {"state": before}, {"state": after},
        fields["not_before"],  # type: ignore[arg-type]
    )  # fmt: skip


def failed(at: float, node: str, **more: object) -> Record:
    return went(at, node, "running", "failed", **more)


def came(at: float, node: str) -> Record:
    return Record(at, "c", node, ChangeKind.ADDED, node, "pod", {}, {"state": "running", "image": node})


def marks(*records: Record) -> list[Mark]:
    return [entry.mark for entry in Timeline(records).entries]


def test_the_first_bad_change_after_quiet_begins_an_outage_and_those_that_follow_are_of_it() -> None:
    assert marks(
        came(0.0, "new"), failed(10.0, "a"), failed(20.0, "b"), failed(20.0 + QUIET, "c"), failed(30.1 + 2 * QUIET, "d")
    ) == [Mark.NONE, Mark.FIRST, Mark.BAD, Mark.BAD, Mark.FIRST]


def test_a_node_that_fails_again_says_so_and_one_that_is_well_again_too() -> None:
    assert marks(
        failed(0.0, "a"), went(10.0, "a", "failed", "running"), failed(20.0, "a"), went(30.0, "a", "failed", "degraded")
    ) == [Mark.FIRST, Mark.WELL, Mark.AGAIN, Mark.NONE]


def test_the_same_change_of_many_nodes_at_once_is_one_entry_that_is_as_bad_as_its_first() -> None:
    line = Timeline(failed(float(number), f"n{number}") for number in range(5))
    assert [(entry.mark, len(entry.records), entry.at) for entry in line.entries] == [(Mark.FIRST, 5, 0.0)]
    assert (line.count, line.bad) == (5, 5)


def test_nodes_that_appear_together_are_one_entry_whatever_else_tells_them_apart() -> None:
    assert [len(entry.records) for entry in Timeline([came(0.0, "a"), came(0.1, "b")]).entries] == [2]


def test_what_differs_in_more_than_the_node_stands_alone() -> None:
    for other in (
        failed(1.0, "b", kind="host"), failed(1.0, "b", not_before=0.5), failed(1.1 + RUN, "b"), failed(1.0, "a"),
        went(1.0, "b", "pending", "failed"), came(1.0, "b"),
    ):  # fmt: skip
        assert len(Timeline([failed(1.0, "a"), other]).entries) == 2, other


def test_jumping_finds_the_next_trouble_on_either_side_or_none() -> None:
    line = Timeline([came(0.0, "x"), failed(10.0, "a"), came(20.0, "y"), failed(30.0, "b"), came(40.0, "z")])
    trouble = [Mark.FIRST, Mark.BAD]
    assert line.next(-1, 1, trouble) == 1
    assert line.next(1, 1, trouble) == 3
    assert line.next(3, 1, trouble) is None
    assert line.next(4, -1, trouble) == 3
    assert line.next(3, -1, [Mark.FIRST]) == 1


times = st.floats(0, 5 * QUIET, allow_nan=False)
states = st.sampled_from(["running", "failed", "degraded", "stopped"])
storms = st.lists(
    st.builds(went, times, st.sampled_from("abcd"), states, states), max_size=40
).map(lambda records: sorted(records, key=lambda record: record.at))  # fmt: skip


@given(storms, st.integers(0, 40))
def test_no_change_is_lost_and_what_comes_later_alters_no_mark(storm: list[Record], cut: int) -> None:
    whole, grown = Timeline(storm), Timeline(storm[:cut])
    before = [entry.mark for entry in grown.entries]
    grown.extend(storm[cut:])
    assert [record for entry in whole.entries for record in entry.records] == storm
    assert [(entry.mark, entry.records) for entry in grown.entries] == [
        (entry.mark, entry.records) for entry in whole.entries
    ]
    assert [entry.mark for entry in grown.entries][: len(before)] == before


@given(storms)
def test_marks_are_those_of_a_look_at_the_whole_past(storm: list[Record]) -> None:
    marked = [(record, entry.mark) for entry in Timeline(storm).entries for record in entry.records]
    for index, (record, mark) in enumerate(marked):
        past = [earlier for earlier in storm[:index] if earlier.bad]
        assert mark.trouble == record.bad
        if record.bad and not any(record.at - earlier.at <= QUIET for earlier in past):
            assert mark is Mark.FIRST
        if mark is Mark.AGAIN:
            assert record.node in {earlier.node for earlier in past}


@given(storms, st.integers(1, 30))
def test_the_counts_over_time_add_up_and_are_of_their_stretch(storm: list[Record], count: int) -> None:
    begin, end = QUIET, 3 * QUIET
    buckets = Timeline(storm).buckets(begin, end, count)
    within = [record for record in storm if begin <= record.at <= end]
    assert len(buckets) == count
    assert sum(bucket.changes for bucket in buckets) == len(within)
    assert sum(bucket.bad for bucket in buckets) == sum(record.bad for record in within)
    for record in within:
        assert buckets[bucket_of(record.at, begin, end, count)].changes


def test_a_stretch_without_length_is_one_count() -> None:
    assert [bucket.changes for bucket in Timeline([came(5.0, "a")]).buckets(5.0, 5.0, 3)] == [1, 0, 0]
