"""The numbers that the planner compares with: every one of them stands here, and only here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from convmm.fast import caches

_MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What the planner compares a call's sizes with.

    Unless another way is named, a number was measured over the layers of the speed benchmark, with one
    thread of an AMD EPYC (Zen 5; 32 KiB of first-level and 1 MiB of second-level cache) and OpenBLAS: it
    is the value beyond which the geometric mean of the times no longer fell. Bytes are as they were found
    there: :meth:`for_cache` gives those of another processor.

    Attributes:
        small_work: floating point operations up to which the whole problem is one product. Beyond it
            tiles gain more than the 50 microseconds that it takes to plan them and to call their
            products.
        columns: columns of one product, one per place. As a part of the rate that one large product
            reaches, in float64: 800 columns 0.76, 1200 0.80, 1800 0.82, 4000 0.82.
        fewest_columns: columns of one product below which a tile is not cut to have more tasks.
        small_tile: bytes of columns and sums together up to which a tile has more columns than
            ``columns``: a task costs 50 microseconds besides.
        gathered: bytes of columns that one task holds. A bound on memory; a quarter more or less is no
            matter.
        product: bytes of sums that one task holds, and again of products to add to them. Likewise.
        rows_per_halo: rows that a tile has at least for each row that it reads for the kernel's later
            taps only, where its inner axes can be cut instead.
        many_parts: parts beyond which it is no matter that their number is odd. With fewer, one of two
            threads would wait.
        work_of_a_task: floating point operations of one task, at least: a tenth of a millisecond, twice
            what a task costs besides.
        few_tasks: tasks up to which they may be that small.
        work_of_many: floating point operations of one task, at least, where there are more than
            ``few_tasks``: one or two milliseconds, as smaller tiles and fewer filters multiply more slowly.
        few_filters: filters that are not divided between two tasks; halved, they multiply far more
            slowly.
        fewest_filters: filters of one task where they are divided: each of these tasks gathers the
            columns anew.
        fewest_rows: rows, filters times taps, of one scattered product where its filters are divided.
        fewest_whole: columns of a tile with all of its channels. With fewer, products over some of the
            channels each are better.
        most_stacked: filters beyond which a tile's sums are divided by filters, and not by places.
        enough_terms: terms of one product. With fewer, adding up the products of the first axis's taps
            costs more than unfolding that axis, too.
        many_groups: groups from which on ``enough_terms`` need be no more than the filters; measured with
            groups of 1 to 32 channels and kernels of 3 to 7 taps per axis at stride 1: 1.1 to 2.1 times
            as fast.
        fewest_terms: terms of one product with so many groups.
        few_columns: columns per filter below which all axes are unfolded where the kernel is a factor as
            it is stored: its taps need no copy then.
        few_columns_of_weights: the same of a weight gradient, whose sums are then in the order of the
            result.
        kept_kernel: bytes of a kernel up to which its factors are copied once. Of a larger one each task
            copies its own, so that the copy is still in the caches when it is multiplied.
        shared_copy: bytes of a kernel from which on its copy is shared between threads.
        shortest_row: taps on the last axis from which on a product is computed with its taps last, and
            written as rows of patches: 2.2 times as fast with 16 taps in float32, no faster with 2 and 3.
        fewest_places: places of one product of patches. With 33 in place of 98 it took 1.2 times as long.
        scatter_columns: how many times ``columns`` a scattered product has, as each addition to the sums
            is a call, whatever there is to add.
        small_scatter: bytes of a scattered product up to which it has more columns, up to half of all:
            threads would spend much of their time waiting to make calls.
        adding: nanoseconds to add one product to its scattered sum, fitted to the times of both routes.
        adding_in_runs: the same where the samples are last in memory, in runs of several.
        emptying: nanoseconds to write one scattered sum, and to let it go; fitted likewise.
        multiplying: nanoseconds per multiplication that few filters cost more, at half of
            ``full_filters``.
        full_filters: filters from which on a product is at its full rate.
        copying: nanoseconds to copy one element into the columns; fitted likewise.
        copying_kernel: nanoseconds to copy one element of a kernel, out of order; fitted likewise.
        writing: nanoseconds to write one result of a phase, a stride apart; fitted likewise.
        filters_of_weights: filters of one product of a weight gradient.
        enough_filters: filters from which on they are a good first side of a product in single precision.
            With fewer, BLAS spends much of its time on sorting the other factor: the sides are swapped,
            which is worth 5 % of the time of a convolution's weight gradient.
        terms_of_a_task: terms of one task of a weight gradient, where its channels are divided.
        partial_sums: bytes of all the sums that are added up in the end, where tasks share a weight
            gradient.
        threads: floating point operations from which on threads are worth waking: OpenBLAS's own
            threshold.
        holding: floating point operations from which on BLAS is held to one thread; with fewer it takes
            one.
    """

    small_work: int = 200_000
    columns: int = 1800
    fewest_columns: int = 784
    small_tile: int = 4 * _MIB
    gathered: int = 4 * _MIB
    product: int = 3 * _MIB
    rows_per_halo: int = 4
    many_parts: int = 9
    work_of_a_task: int = 4_000_000
    few_tasks: int = 4
    work_of_many: int = 64_000_000
    few_filters: int = 64
    fewest_filters: int = 256
    fewest_rows: int = 512
    fewest_whole: int = 256
    most_stacked: int = 512
    enough_terms: int = 128
    many_groups: int = 4
    fewest_terms: int = 3
    few_columns: int = 2
    few_columns_of_weights: int = 4
    kept_kernel: int = 5 * _MIB
    shared_copy: int = _MIB
    shortest_row: int = 4
    fewest_places: int = 96
    scatter_columns: int = 4
    small_scatter: int = 3 * 2**19
    adding: float = 0.7
    adding_in_runs: float = 0.4
    emptying: float = 1.2
    multiplying: float = 0.002
    full_filters: int = 64
    copying: float = 0.2
    copying_kernel: float = 0.8
    writing: float = 0.5
    filters_of_weights: int = 512
    enough_filters: int = 192
    terms_of_a_task: int = 512
    partial_sums: int = 4 * _MIB
    threads: int = 2_000_000
    holding: int = 400_000

    @classmethod
    def for_cache(cls, size: int | None) -> Limits:
        """Return the limits for a processor with so many bytes of second-level cache to itself.

        All bytes are in proportion to it, from half of those above to twice as many: with half of them the
        geometric means rose by 0 to 5 %, with a quarter by up to 14 %, and with twice and four times as many
        they fell by 2 % at most and rose by up to 7 %. So a calibration at first use would not pay.

        Args:
            size: in bytes; None for one that cannot be read, which is taken to be like the measured one.
        """
        unit = min(max(_MIB if size is None else size, _MIB // 2), 2 * _MIB)
        names = (
            "small_tile",
            "gathered",
            "product",
            "kept_kernel",
            "shared_copy",
            "small_scatter",
            "partial_sums",
        )
        return replace(cls(), **{name: getattr(cls, name) * unit // _MIB for name in names})


LIMITS = Limits.for_cache(caches.second_level())
