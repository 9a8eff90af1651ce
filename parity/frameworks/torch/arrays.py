"""Arrays as PyTorch's tensors, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.cases.arrays import Array, numpy_dtype


def to_torch(array: Array) -> Any:
    """Make the tensor of an array, in its own dtype."""
    import torch  # noqa: PLC0415 - imported when first used

    contiguous = np.ascontiguousarray(array)
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(contiguous.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(contiguous)


def to_numpy(tensor: Any) -> Array:
    """Make the array of a tensor, in its own dtype."""
    import torch  # noqa: PLC0415 - imported when first used

    tensor = tensor.cpu()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(numpy_dtype("bfloat16"))  # type: ignore[no-any-return]
    return tensor.numpy()  # type: ignore[no-any-return]
