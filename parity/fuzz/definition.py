"""Both operations from their definitions, as code to read: loops over NumPy arrays."""

from __future__ import annotations

from parity.cases.case import Case

_CONV = """\
# By the definition, y[n, o, t] is the sum of w[o, c, i] * x[n, c, t * stride + i * dilation - before], where
# x has that element.
for n, o, *t in np.ndindex(*expected.shape):
    for c, *i in np.ndindex(*w.shape[1:]):
        at = tuple(p * s + q * d - b for p, s, q, d, b in zip(t, stride, i, dilation, before))
        if all(0 <= a < size for a, size in zip(at, x.shape[2:])):
            first = o // (len(w) // groups) * w.shape[1]
            expected[n, o, *t] += w[o, c, *i] * wide[n, first + c, *at]"""

_CONV_TRANSPOSE = """\
# By the definition, x[n, c, t] * w[c, o, i] is added to y[n, o, t * stride + i * dilation - before], where
# y has that element.
for n, c, *t in np.ndindex(*x.shape):
    for o, *i in np.ndindex(*w.shape[1:]):
        at = tuple(p * s + q * d - b for p, s, q, d, b in zip(t, stride, i, dilation, before))
        if all(0 <= a < size for a, size in zip(at, expected.shape[2:])):
            first = c // (len(w) // groups) * w.shape[1]
            expected[n, first + o, *at] += w[c, o, *i] * wide[n, c, *t]"""


def definition(case: Case) -> str:
    """Write statements that find ``x``, ``w`` and the list ``bias``, in float64, and leave ``expected``.

    The sums are kept in the longest float that NumPy has.
    """
    values = f"{case.stride}, {case.dilation}, {case.geometry.before}, {case.groups}"
    return "\n".join(
        (
            f"stride, dilation, before, groups = {values}",
            f"expected = np.zeros({case.output_shape}, np.longdouble)",
            "wide = x.astype(np.longdouble)",
            _CONV_TRANSPOSE if case.transposed else _CONV,
            *(("expected += bias[0].reshape(-1" + ", 1" * case.rank + ")",) if case.bias else ()),
        )
    )
