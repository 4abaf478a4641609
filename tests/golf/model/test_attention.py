"""Attention kernels against an explicit softmax, and what passes for one. The choice on GPUs: test_kernel_choice.py."""

import math
import sys
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from golf.errors import InputError
from golf.model.attention import choose_kernel, probe
from golf.model.kernels import KERNELS, Attend, KernelInputs
from golf.ttt.config import EvalConfig

CPU = torch.device("cpu")
FLOATS = KernelInputs(CPU, torch.float32, 64)


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
def test_kernels_agree_with_an_explicit_softmax(name: str, B: int, H: int, G: int, M: int, T: int, E: int) -> None:
    ours, theirs = inputs(B, H, G, M, T, E), inputs(B, H, G, M, T, E)
    out, expected = choose_kernel(name, CPU, torch.float32).attend(*ours), plain(*theirs)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    (out * weight).sum().backward()
    (expected * weight).sum().backward()
    for leaf, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(leaf.grad, other.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["blocks", "sdpa"])
def test_the_score_of_a_single_key_has_no_gradient(name: str) -> None:
    """Not even a rounding error: of a gradient that is nothing else Adam makes steps as large as of any other."""
    q, k, v = given = inputs(3, 8, 4, 1, 1, 64)
    out = choose_kernel(name, CPU, torch.float32).attend(*given)
    out.backward(torch.randn(out.shape, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(out, v.repeat_interleave(2, 1))
    assert q.grad is not None and not q.grad.any()
    assert k.grad is not None and not k.grad.any()


@pytest.mark.parametrize("with_log_sum", [False, True])
@pytest.mark.parametrize(("name", "package"), [("flash-attn", "flash_attn"), ("flash-attn-3", "flash_attn_interface")])
def test_flash_packages_get_their_own_tensor_layout(
    name: str, package: str, with_log_sum: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their functions take [batch, positions, heads, head_dim], and some return a pair; the packages need a GPU."""
    module = ModuleType(package)

    def flash_attn_func(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor | tuple[Tensor, Tensor]:
        assert causal
        out = plain(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)).transpose(1, 2)
        return (out, out[..., 0]) if with_log_sum else out

    monkeypatch.setattr(module, "flash_attn_func", flash_attn_func, raising=False)
    monkeypatch.setitem(sys.modules, package, module)
    given = inputs(2, 4, 2, 5, 9, 8)
    torch.testing.assert_close(KERNELS[name].attend(*given), plain(*given))
    assert probe(KERNELS[name].attend, FLOATS) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["blocks", "sdpa"])
def test_the_kernels_of_a_cpu_pass_the_probe(name: str, dtype: torch.dtype) -> None:
    assert probe(KERNELS[name].attend, KernelInputs(CPU, dtype, 64)) is None


def _shuffled_heads(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return plain(q, k.flip(1), v.flip(1))


def _first_positions(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The mask aligned to the first position, as in old versions of the packages."""
    return plain(q, k[:, :, : q.shape[2]], v[:, :, : q.shape[2]])


def _sees_one_more(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    later = [tensor.roll(-1, 2) for tensor in (k, v)]
    return plain(q, *later)


def _no_gradient_of_keys(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return plain(q, k.detach(), v) + 0 * k.sum()


def _not_a_number(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return plain(q, k, v) * math.nan


def _tf32(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """11 significant bits, as tensor cores round float32."""

    def rounded(x: Tensor) -> Tensor:
        bits = x.detach().contiguous().view(torch.int32)
        return x + ((bits + 0x1000 & ~0x1FFF).view(torch.float32) - x.detach())

    return rounded(plain(rounded(q), rounded(k), rounded(v)))


@pytest.mark.parametrize(
    "attend",
    [_shuffled_heads, _first_positions, _sees_one_more, _no_gradient_of_keys, _not_a_number, _tf32],
)
def test_the_probe_rejects_what_is_not_causal_attention_in_float32(attend: Attend) -> None:
    assert "is off by" in (probe(attend, FLOATS) or "passed")


def test_the_probe_rejects_a_result_in_another_dtype() -> None:
    assert "is float32" in (
        probe(lambda q, k, v: plain(q, k, v).float(), KernelInputs(CPU, torch.bfloat16, 64)) or "passed"
    )


@pytest.mark.parametrize(
    ("name", "queries", "only"),
    [("fa3", 8, "flash"), ("fa4", 3, "flash"), ("flash", 8, "flash"), ("cudnn", 8, "cudnn"), ("cudnn", 3, "flash")],
)
def test_a_kernel_of_torch_runs_the_backend_of_its_name(
    name: str, queries: int, only: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left to itself, torch takes cuDNN on an H100, whatever flash kernel is activated."""
    enabled: dict[str, bool] = {}

    def attention(q: Tensor, k: Tensor, v: Tensor, **_: object) -> Tensor:
        cuda = torch.backends.cuda
        enabled.update(
            flash=cuda.flash_sdp_enabled(), cudnn=cuda.cudnn_sdp_enabled(), math=cuda.math_sdp_enabled(),
            efficient=cuda.mem_efficient_sdp_enabled(),
        )  # fmt: skip
        return plain(q, k, v)

    monkeypatch.setattr(F, "scaled_dot_product_attention", attention)
    KERNELS[name].attend(*inputs(1, 2, 1, queries, 8, 4))
    assert [backend for backend, allowed in enabled.items() if allowed] == [only]


def test_kernels_of_gpus_say_why_a_cpu_cannot_use_them() -> None:
    assert choose_kernel("auto", CPU, torch.float32).name == "blocks"
    assert choose_kernel("sdpa", CPU, torch.float32).name == "sdpa"
    with pytest.raises(
        InputError, match=r'"fa3": cannot be used here \(fa3: needs a GPU; this is cpu\); expected auto'
    ):
        choose_kernel("fa3", CPU, torch.float32)


def test_settings_name_kernels_of_the_table() -> None:
    assert EvalConfig(attention="cudnn").attention == "cudnn"
    with pytest.raises(InputError, match=r'eval.attention = "fa5": no such attention kernel; expected auto, fa3, fa4'):
        EvalConfig(attention="fa5")
