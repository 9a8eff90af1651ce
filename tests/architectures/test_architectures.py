"""Architectures that people have, without weights: every convolution that is called is found and read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity.cases.arrays import Array
from parity.frameworks.model import Use
from parity.models.given import open_model

monai = pytest.importorskip("monai", reason="`nox -s architectures` installs what these tests need")
transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries' own

Made = tuple[Callable[[], Any], tuple[int, ...]]
"""What makes a model, and the shape of its input."""

VOLUME = (1, 1, 16, 16, 16)
IMAGE = (1, 3, 32, 32)
SOUND = (1, 4000)


def _net(name: str, size: tuple[int, ...], *arguments: object, **given: object) -> Made:
    """Return a network of MONAI."""
    return lambda: getattr(monai.networks.nets, name)(*arguments, **given), size


def _hub(name: str, size: tuple[int, ...], *, model: str = "Model", **given: object) -> Made:
    """Return a model of transformers, made from a configuration."""
    made, config = f"{name}{model}", f"{name}Config"
    return lambda: getattr(transformers, made)(getattr(transformers, config)(**given)), size


_STAGES: dict[str, Any] = {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]}
_SMALL: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}

TORCH: dict[str, Made] = {
    "UNet": _net("UNet", VOLUME, 3, 1, 2, (4, 8, 16), (2, 2), num_res_units=2),
    "BasicUNet": _net("BasicUNet", (1, 1, 32, 32, 32), 3, 1, 2, (4, 4, 8, 8, 16, 4)),
    "AttentionUnet": _net("AttentionUnet", VOLUME, 3, 1, 2, (4, 8, 16), (2, 2)),
    "SegResNet": _net("SegResNet", VOLUME, 3, 8, 1, 2),
    "VNet": _net("VNet", VOLUME, 3, 1, 2, act=("relu", {"inplace": True})),
    "DynUNet": _net("DynUNet", VOLUME, 3, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 8, 16]),
    "DenseNet121": _net("DenseNet121", (1, 1, 32, 32), 2, 1, 2),
    "EfficientNetBN": _net("EfficientNetBN", IMAGE, "efficientnet-b0", pretrained=False, spatial_dims=2),
    "ResNet": _hub("ResNet", IMAGE, embedding_size=8, **_STAGES),
    "ConvNext": _hub("ConvNext", IMAGE, **_STAGES),
    "MobileNetV2": _hub("MobileNetV2", IMAGE),
    "EfficientNet": _hub("EfficientNet", (1, 3, 64, 64), image_size=64),
    "ViT": _hub("ViT", IMAGE, image_size=32, **_SMALL),
    "Segformer": _hub("Segformer", IMAGE, **_STAGES),
    "Swin": _hub("Swin", IMAGE, image_size=32, embed_dim=8, depths=[1, 1], num_heads=[1, 1], window_size=4),
    "RegNet": _hub("RegNet", IMAGE, embedding_size=8, hidden_sizes=[8] * 4, depths=[1] * 4, groups_width=4),
    "Wav2Vec2": _hub("Wav2Vec2", SOUND, intermediate_size=16, **_SMALL),
    "Hubert": _hub("Hubert", SOUND, intermediate_size=16, **_SMALL),
    "Encodec": _hub("Encodec", (1, 1, 1000)),
    "SpeechT5HifiGan": _hub("SpeechT5HifiGan", (1, 12, 80), model="", upsample_initial_channel=32),
    "UnivNet": _hub("UnivNet", (1, 6, 100), model_hidden_channels=8),
}

KERAS = {
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "Xception": 71,
    "ResNet50": 32,
    "ResNet50V2": 32,
    "DenseNet121": 32,
    "VGG16": 32,
    "InceptionV3": 75,
    "InceptionResNetV2": 75,
    "NASNetMobile": 32,
    "ConvNeXtTiny": 32,
}
"""Names of ``keras.applications``, and the rows and columns of their inputs."""


class Told:
    """What a run tells, checked as it comes."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()

    def __call__(self, use: Use, x: Array, y: Array) -> None:
        """Count a call, and compute it again."""
        self.names[use.name] += 1
        assert use.case.input == x.shape
        assert use.case.output_shape == y.shape
        assert np.abs(use.again(x) - y).max() <= 1e-5 * max(np.abs(y).max(), 1e-30)


@pytest.mark.parametrize("name", TORCH)
def test_pytorchs(name: str, record_property: Callable[[str, object], None]) -> None:
    make, size = TORCH[name]
    torch.manual_seed(0)
    model = make().eval()
    called: Counter[str] = Counter()
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.modules.conv._ConvNd):  # noqa: SLF001 - torch has no other name
            module.register_forward_pre_hook(lambda _m, _a, path=path: called.update([path]))
    random = np.random.default_rng(0)
    x = random.standard_normal(size, dtype=np.float32)
    with torch.no_grad():
        model(torch.from_numpy(x))
    expected, told = Counter(called), Told()
    ran = open_model(model).run([x], told)
    assert told.names == expected
    assert told.names
    assert ran.unread == ()
    record_property("convolutions", len(told.names))


@pytest.mark.parametrize("name", KERAS)
def test_kerass(name: str, record_property: Callable[[str, object], None]) -> None:
    size = KERAS[name]
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), include_top=False)
    inner = list(model._flatten_layers(include_self=False))  # noqa: SLF001 - Keras has no other walk
    kinds = [type(layer).__name__ for layer in inner]
    expected = sum(2 if "Separable" in kind else 1 for kind in kinds if "Conv" in kind)
    told = Told()
    x = np.random.default_rng(0).standard_normal((1, 3, size, size), dtype=np.float32)
    ran = open_model(model).run([x], told)
    assert told.names.total() == expected
    assert ran.unread == ()
    record_property("convolutions", told.names.total())
