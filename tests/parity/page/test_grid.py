"""The atlas places each result once, its grids keep the counts, and its sample has what says most."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from parity.cases.case import Case
from parity.page.atlas import Atlas, Place
from parity.page.grid import make_grids
from parity.page.matters import UNLIKE, Matters, matters_of
from parity.page.outcome import OUTCOMES
from parity.page.sample import Sample
from tests.support.strategies import cases

CONTESTANTS = [("numpy", "native", "value"), ("torch", "native", "value"), ("torch", "exact", "input_grad")]
PLACES = st.tuples(
    st.sampled_from(["conv1d", "conv_transpose2d"]),
    st.builds(
        Matters,
        st.sampled_from(["none", "same", "explicit, reflect"]),
        st.sampled_from(["extent < stride", "extent > stride"]),
        st.sampled_from(["even", "odd"]),
        st.sampled_from(["", "default"]),
    ),
    st.sampled_from(CONTESTANTS),
)
OUTCOME = st.integers(0, len(OUTCOMES) - 1)
RESULTS = st.lists(st.tuples(PLACES, OUTCOME), min_size=1)


@given(RESULTS, RESULTS)
def test_a_grid_has_each_result_once_and_its_heads_cover_its_rows(
    new: list[tuple[Place, int]], old: list[tuple[Place, int]]
) -> None:
    atlas, other = Atlas(), Atlas()
    atlas.add(new)
    other.add(old)
    grids = make_grids(atlas, CONTESTANTS, other=other, name=repr)
    drawn: Counter[tuple[str, int]] = Counter()
    for op, grid in grids.items():
        for outcome, count in grid.total:
            drawn[op, outcome] += count
        covered = [sum(span for row in grid.rows for _, span in row.heads) for _ in grid.titles]
        assert sum(covered) == len(grid.titles) * len(grid.rows) * len(grid.titles)
        for row in grid.rows:
            for cell in row.cells:
                assert bool(cell.name) == bool(cell.counts)
    assert drawn == Counter((place[0], outcome) for place, outcome in new)
    seen = Counter(new), Counter(old)
    changed = {key[0] for key in {*new, *old} if seen[0][key] != seen[1][key]}
    cells = [cell for grid in grids.values() for row in grid.rows for cell in row.cells]
    assert sum(cell.changed != "" for cell in cells) == len(changed)


def test_a_cell_with_as_many_results_has_changed_and_another_has_other_cases() -> None:
    rows = [Matters(padding, "", "", "") for padding in ("none", "valid", "same")]
    same, moved, more = (("conv1d", row, CONTESTANTS[0]) for row in rows)
    atlas, other = Atlas(), Atlas()
    atlas.add([(same, 7), (moved, 7), (more, 7)])
    other.add([(same, 7), (moved, 0), (more, 7), (more, 7)])
    grids = [make_grids(one, CONTESTANTS, other=two) for one, two in ((atlas, other), (other, atlas))]
    for grid in grids:
        assert [row.cells[0].changed for row in grid["conv1d"].rows] == ["", "changed", "other cases"]


@given(cases())
def test_what_matters_of_a_case_follows_from_its_axes(case: Case) -> None:
    matters = matters_of(case)
    signs = {
        "<" if axis.extent < axis.stride else "=" if axis.extent == axis.stride else ">"
        for axis in case.geometry.axes
    }
    assert (matters.stride == UNLIKE) == (len(signs) > 1)
    assert bool(matters.output_padding) == case.transposed
    assert (matters.padding.partition(",")[0] in ("valid", "same")) == isinstance(case.padding, str)


@given(st.lists(RESULTS, min_size=1, max_size=30), st.integers(1, 30))
def test_a_sample_has_first_what_asks_for_attention(
    records: list[list[tuple[Place, int]]], most: int
) -> None:
    sample = Sample()
    for results in records:
        sample.add(results)
    chosen = sample.chosen(most)
    assert len(chosen) == min(most, len(records))
    bad = {
        number
        for number, results in enumerate(records)
        if any(OUTCOMES[outcome].name in ("wrong", "crashed", "known") for _, outcome in results)
    }
    assert chosen <= bad or bad <= chosen


def test_a_sample_has_some_of_every_place() -> None:
    sample, [agree] = Sample(), [at for at, each in enumerate(OUTCOMES) if each.name == "agree"]
    common, rare = (("conv1d", Matters("none", "", parity, ""), CONTESTANTS[0]) for parity in ("odd", "even"))
    for number in range(100):
        sample.add([(rare if number == 90 else common, agree)])
    assert sample.chosen(2) == {0, 90}
