"""A model of PyTorch, which the README compares with a port of it."""

from typing import Any

import torch
from torch import nn


class Net(nn.Module):  # type: ignore[misc] # torch is Any
    """Down and up again."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(8, 3, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
        """Apply both."""
        return self.up(torch.relu(self.down(x)))
