import pytest
from hypothesis import given, settings
from upsampling import conv_transpose

from parity import Case
from parity.strategies import conv_transpose_cases
from parity.testing import assert_parity


@pytest.mark.parity(suite="decoder.toml")
def test_the_decoder_s_layers_agree_with_the_frameworks(parity_case: Case) -> None:
    assert_parity(parity_case, impl=conv_transpose)


@settings(deadline=None)  # a framework's first call takes seconds
@given(conv_transpose_cases(min_kernel=2, min_size=2))  # what is any smaller has too few numbers to diagnose
def test_every_layer_agrees_with_the_frameworks(case: Case) -> None:
    assert_parity(case, impl=conv_transpose)
