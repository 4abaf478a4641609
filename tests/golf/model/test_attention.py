"""Attention kernels against an explicit softmax, and the choice of a kernel. CPU only; GPUs: test_train_gpu.py."""

import math
import sys
from types import ModuleType

import pytest
import torch
from torch import Tensor

from golf.errors import InputError
from golf.model import attention
from golf.model.attention import choose_kernel

CPU = torch.device("cpu")


def plain(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    """Causal attention of the last M positions, one matrix product and one softmax."""
    repeat, (M, T) = q_BHME.shape[1] // k_BGTE.shape[1], (q_BHME.shape[2], k_BGTE.shape[2])
    k, v = k_BGTE.repeat_interleave(repeat, 1), v_BGTE.repeat_interleave(repeat, 1)
    score = q_BHME @ k.mT / math.sqrt(q_BHME.shape[3])
    hidden = torch.arange(T) > torch.arange(T - M, T)[:, None]
    return score.masked_fill(hidden, -math.inf).softmax(-1) @ v


def inputs(B: int, H: int, G: int, M: int, T: int, E: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(T)
    shapes = ((B, H, M, E), (B, G, T, E), (B, G, T, E))
    return [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("name", ["blocks", "sdpa"])
@pytest.mark.parametrize(
    ("B", "H", "G", "M", "T", "E"), [(2, 4, 2, 150, 150, 8), (1, 2, 2, 64, 200, 4), (2, 3, 1, 1, 7, 6)]
)
def test_kernels_agree_with_an_explicit_softmax(
    name: attention.Choice, B: int, H: int, G: int, M: int, T: int, E: int
) -> None:
    ours, theirs = inputs(B, H, G, M, T, E), inputs(B, H, G, M, T, E)
    out, expected = choose_kernel(name, CPU).attend(*ours), plain(*theirs)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    (out * weight).sum().backward()
    (expected * weight).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["blocks", "sdpa"])
def test_the_score_of_a_single_key_has_no_gradient(name: attention.Choice) -> None:
    """Not even a rounding error: of a gradient that is nothing else Adam makes steps as large as of any other."""
    q, k, v = given = inputs(3, 8, 4, 1, 1, 64)
    out = choose_kernel(name, CPU).attend(*given)
    out.backward(torch.randn(out.shape, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(out, v.repeat_interleave(2, 1))
    assert q.grad is not None and not q.grad.any()
    assert k.grad is not None and not k.grad.any()


def test_flash_attn_gets_its_own_tensor_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its functions take [batch, positions, heads, head_dim]; the package itself needs a GPU."""
    package = ModuleType("flash_attn")

    def flash_attn_func(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor:
        assert causal
        return plain(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)).transpose(1, 2)

    monkeypatch.setattr(package, "flash_attn_func", flash_attn_func, raising=False)
    monkeypatch.setitem(sys.modules, "flash_attn", package)
    given = inputs(2, 4, 2, 5, 9, 8)
    torch.testing.assert_close(attention._ATTEND["flash-attn"](*given), plain(*given))


def test_gpu_kernels_are_not_available_on_the_cpu() -> None:
    assert choose_kernel("auto", CPU).name == "blocks"
    assert choose_kernel("sdpa", CPU).name == "sdpa"
    with pytest.raises(InputError, match=r'"fa3": not available on this cpu; expected auto, sdpa, blocks'):
        choose_kernel("fa3", CPU)
