"""What the networks share: weights as if they were trained, and the way of them from PyTorch to Keras."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def as_if_trained(model: Any) -> Any:  # noqa: ANN401 - a module
    """Return a new module in evaluation mode, with norms that have seen something: new, they do nothing."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            with torch.no_grad():
                for array in (module.weight, module.running_var):
                    array.uniform_(0.5, 1.5)
                for array in (module.bias, module.running_mean):
                    array.normal_(0, 0.2)
    return model.eval()


def port(torch_model: Any, keras_model: Any) -> Any:  # noqa: ANN401 - a module, and a model of Keras
    """Put a module's weights into the Keras model whose layers are called as its modules, and return that."""
    for layer in keras_model.layers:
        if layer.weights:
            layer.set_weights(_arrays(torch_model.get_submodule(layer.name)))
    return keras_model


def _arrays(module: Any) -> list[Any]:  # noqa: ANN401 - a module
    """Return a module's arrays in Keras's order and layout."""
    if isinstance(module, nn.BatchNorm2d):
        arrays = [module.weight, module.bias, module.running_mean, module.running_var]
        return [each.detach().numpy() for each in arrays]
    # (O, C, *kernel) becomes (*kernel, C, O), and of transposed convolutions (C, O, *kernel) likewise
    # (*kernel, O, C). `weight` is what is computed with, also under weight_norm.
    kernel = module.weight.detach().numpy()
    kernel = kernel.transpose(*range(2, kernel.ndim), 1, 0)
    return [kernel] if module.bias is None else [kernel, module.bias.detach().numpy()]
