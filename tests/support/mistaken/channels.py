"""Channels, groups and layouts read otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

import convmm
from parity.cases.arrays import Array
from parity.cases.case import Case
from tests.support.mistaken.computing import Sizes, beside, computed, of_sizes
from tests.support.responses import widened


def swapped(case: Case) -> Iterator[Array]:
    for w in channel_swaps(case, widened(case).w):
        yield computed(case, w=np.ascontiguousarray(w))


def channel_swaps(case: Case, w: Array) -> Iterator[Array]:
    first, second, *kernel = w.shape
    yield np.moveaxis(w, 0, 1).ravel().reshape(w.shape)
    yield np.moveaxis(w.ravel().reshape(second, first, *kernel), 0, 1)
    if first == second * case.groups:
        yield np.concatenate([np.moveaxis(part, 0, 1) for part in np.split(w, case.groups)])


def permuted_groups(case: Case) -> Iterator[Array]:
    yield from group_orders(case)
    yield from interleaved(case)


def group_orders(case: Case) -> Iterator[Array]:
    own = widened(case)
    for order in itertools.permutations(range(case.groups)):
        yield computed(case, x=blocks(own.x, 1, order))
        yield computed(case, w=blocks(own.w, 0, order))
        yield blocks(computed(case), 1, order)
        y = blocks(computed(case, bias=None), 1, order)
        yield beside(y, own.bias)


def blocks(array: Array, axis: int, order: tuple[int, ...]) -> Array:
    parts = np.split(array, len(order), axis=axis)
    return np.concatenate([parts[number] for number in order], axis=axis)


def interleaved(case: Case) -> Iterator[Array]:
    """Channel c in group c % g: of the input, of the filters, of both; one group after another."""
    if case.groups == 1:
        return
    for of_input, of_output in [(True, False), (False, True), (True, True)]:
        yield from by_groups(case, of_input=of_input, of_output=of_output)


def by_groups(case: Case, *, of_input: bool, of_output: bool) -> Iterator[Array]:
    """The groups one by one; an operand's axis that is of the input or of the output goes with it."""
    x, w, bias = widened(case)
    y = np.empty(case.output_shape)
    first_of_kernel = of_input if case.transposed else of_output
    for group in range(case.groups):
        y[:, members(case.filters, case.groups, group, dealt=of_output)] = computed(
            case,
            x=x[:, members(case.input[1], case.groups, group, dealt=of_input)],
            w=w[members(len(w), case.groups, group, dealt=first_of_kernel)],
            bias=None,
            groups=1,
        )
    yield beside(y, bias)


def members(count: int, groups: int, group: int, *, dealt: bool) -> list[int]:
    return [c for c in range(count) if (c % groups if dealt else c // (count // groups)) == group]


def every_arrangement(case: Case) -> Iterator[Array]:
    """Wrong orders of groups, and every order of dealing channels out, of any of the arrays."""
    yield from permuted_groups(case)
    x, w, bias = widened(case)
    orders: list[Callable[[int], Any]] = [
        np.arange,
        lambda n: deal(n, case.groups),
        lambda n: np.argsort(deal(n, case.groups)),
    ]
    for of_x, of_w, of_y, of_bias in itertools.product(orders, orders, orders, (False, True)):
        y = computed(case, x=x[:, of_x(x.shape[1])], w=w[of_w(len(w))], bias=bias if of_bias else None)[
            :, of_y(case.filters)
        ]
        yield y if of_bias else beside(y, bias)


def deal(count: int, groups: int) -> Array:
    return np.array([c for group in range(groups) for c in range(count) if c % groups == group])


def layouts(case: Case) -> Iterator[Array]:
    x, w, _ = widened(case)
    sizes = x.shape[2:]
    yield computed(case, x=np.moveaxis(x, 1, -1).ravel().reshape(x.shape))
    yield computed(case, x=np.moveaxis(x.ravel().reshape(len(x), *sizes, -1), -1, 1))
    first, second, *taps = w.shape
    yield computed(case, w=np.moveaxis(w, 1, -1).ravel().reshape(w.shape))
    yield computed(case, w=np.moveaxis(w.ravel().reshape(first, *taps, second), -1, 1))
    keras = np.moveaxis(w, (0, 1), (-1, -2))
    yield computed(case, w=keras.ravel().reshape(w.shape))
    yield computed(case, w=np.moveaxis(w.ravel().reshape(keras.shape), (-1, -2), (0, 1)))
    y = computed(case)
    yield np.moveaxis(y, 1, -1).ravel().reshape(y.shape)
    yield np.moveaxis(y.ravel().reshape(len(y), *y.shape[2:], y.shape[1]), -1, 1)
    yield np.moveaxis(y, 1, -1)


def ignored_groups(case: Case) -> Iterator[Array]:
    """Every filter is applied to every group, or to the first; transposed, the groups are added up."""
    x, w, bias = widened(case)
    parts = np.split(x, case.groups, axis=1)
    if not case.transposed:
        yield beside(np.sum([computed(case, x=part, bias=None, groups=1) for part in parts], axis=0), bias)
        yield beside(computed(case, x=parts[0], bias=None, groups=1), bias)
        return
    kernels = np.split(w, case.groups)
    pairs = zip(parts, kernels, strict=True)
    y = np.sum([computed(case, x=part, w=kernel, bias=None, groups=1) for part, kernel in pairs], axis=0)
    yield beside(np.concatenate([y] * case.groups, axis=1), bias)
    if bias is None:
        yield y


def groups_for_dilation(case: Case, sizes: Sizes) -> Iterator[Array]:
    """As many channels as the exchanged groups have, from the first on."""
    x, w, bias = widened(case)
    groups = case.dilation[0]
    if len(set(case.dilation)) > 1 or x.shape[1] % groups:
        return
    arguments = {**case.explicit, "dilation": (case.groups,) * case.rank, "groups": groups}
    if case.transposed:
        filters = w.shape[1] * groups
        if bias is not None and filters > len(bias):
            return
        arguments["bias"] = None if bias is None else bias[:filters]
    elif case.filters % groups:
        return
    else:
        count = min(x.shape[1] // groups, w.shape[1])
        x, w = x[:, : count * groups], w[:, :count]
    with suppress(convmm.GeometryError):
        yield computed(case, x=x, w=w, **arguments)
    yield of_sizes(case, sizes, x=x, w=w, **arguments)
