"""Both operations and their gradients from their definitions, as code to read: loops over NumPy arrays."""

from __future__ import annotations

from parity.cases.case import ZEROS, Case

_CONV = """\
# By the definition, y[n, o, t] is the sum of w[o, c, i] * x[n, c, t * stride + i * dilation - before], where
# x has that element.
for n, o, *t in np.ndindex(*OUTPUT.shape):
    for c, *i in np.ndindex(*w.shape[1:]):
        at = tuple(p * s + q * d - b for p, s, q, d, b in zip(t, stride, i, dilation, before))
        if all(0 <= a < size for a, size in zip(at, x.shape[2:])):
            first = o // (len(w) // groups) * w.shape[1]
            UPDATE"""

_FILLED = """\
# Where x has no element, padding holds another one of x.
def element(at, size):
    RETURN


# By the definition, y[n, o, t] is the sum of w[o, c, i] times
# x[n, c, element(t * stride + i * dilation - before)].
for n, o, *t in np.ndindex(*OUTPUT.shape):
    for c, *i in np.ndindex(*w.shape[1:]):
        at = (p * s + q * d - b for p, s, q, d, b in zip(t, stride, i, dilation, before))
        at = tuple(element(a, size) for a, size in zip(at, x.shape[2:]))
        first = o // (len(w) // groups) * w.shape[1]
        UPDATE"""

_ELEMENT = {
    "reflect": "return abs((at + size - 1) % max(2 * size - 2, 1) - size + 1)",
    "replicate": "return min(max(at, 0), size - 1)",
    "circular": "return at % size",
}
"""Which element padding holds, by the padding mode."""

_CONV_TRANSPOSE = """\
# By the definition, x[n, c, t] * w[c, o, i] is added to y[n, o, t * stride + i * dilation - before], where
# y has that element.
for n, c, *t in np.ndindex(*x.shape):
    for o, *i in np.ndindex(*w.shape[1:]):
        at = tuple(p * s + q * d - b for p, s, q, d, b in zip(t, stride, i, dilation, before))
        if all(0 <= a < size for a, size in zip(at, OUTPUT.shape[2:])):
            first = c // (len(w) // groups) * w.shape[1]
            UPDATE"""

_UPDATES = {
    False: {
        "value": "expected[n, o, *t] += w[o, c, *i] * wide[n, first + c, *at]",
        "input_grad": "expected[n, first + c, *at] += w[o, c, *i] * wide[n, o, *t]",
        "weight_grad": "expected[o, c, *i] += x[n, first + c, *at] * wide[n, o, *t]",
    },
    True: {
        "value": "expected[n, first + o, *at] += w[c, o, *i] * wide[n, c, *t]",
        "input_grad": "expected[n, c, *t] += w[c, o, *i] * wide[n, first + o, *at]",
        "weight_grad": "expected[c, o, *i] += x[n, c, *t] * wide[n, first + o, *at]",
    },
}
"""What of each product is added to what is expected; of transposed operations or not, and by output."""

_OF_GRADIENT = "# The gradient of the sum of y * dy adds up the other factor of each product, times dy."

_BY_BIAS = "expected = dy.astype(np.longdouble).sum(axis=(0, *range(2, dy.ndim)))"


def definition(case: Case, output: str = "value") -> str:
    """Write statements that find ``x``, ``w`` and the list ``bias``, in float64, and leave ``expected``.

    The sums are kept in the longest float that NumPy has.

    Args:
        case: whose.
        output: what is expected: the output's value, or one of its gradients, for which ``dy`` is found too.
    """
    if output == "bias_grad":
        return _BY_BIAS
    values = f"{case.stride}, {case.dilation}, {case.geometry.before}, {case.groups}"
    is_value = output == "value"
    shape = {"value": case.output_shape, "input_grad": case.input, "weight_grad": case.kernel_shape}[output]
    loops = _CONV_TRANSPOSE if case.transposed else _CONV
    if case.filled_with != ZEROS:
        loops = _FILLED.replace("RETURN", _ELEMENT[case.padding_mode])
    loops = loops.replace("UPDATE", _UPDATES[case.transposed][output])
    if is_value:
        loops = loops.replace("OUTPUT", "expected")
    else:
        loops = loops.replace("OUTPUT", "dy").replace("\nfor ", f"\n{_OF_GRADIENT}\nfor ", 1)
    adds_bias = is_value and case.bias
    return "\n".join(
        (
            f"stride, dilation, before, groups = {values}",
            f"expected = np.zeros({shape}, np.longdouble)",
            f"wide = {'x' if is_value else 'dy'}.astype(np.longdouble)",
            loops,
            *(("expected += bias[0].reshape(-1" + ", 1" * case.rank + ")",) if adds_bias else ()),
        )
    )
