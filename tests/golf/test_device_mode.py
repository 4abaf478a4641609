"""The stand-in for a GPU: what it counts, and what it forbids."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.golf.device_mode import DeviceMode, HostSync, MixedDevices, MixedDtypes


def device_tensor(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


def test_an_operation_moves_its_operands_and_its_result() -> None:
    a, b = device_tensor(3, 5), device_tensor(5, 7)
    with DeviceMode() as device:
        a @ b
    assert (device.launches, device.bytes) == (1, 4 * (15 + 35 + 21))


def test_views_and_empty_tensors_cost_nothing_and_repeated_elements_count_once() -> None:
    a = device_tensor(1, 6)
    with DeviceMode() as device:
        wide = a.view(6, 1).T.expand(100, 6)
        torch.empty_like(wide)
        assert (device.launches, device.bytes) == (0, 0)
        wide.sum()
    assert (device.launches, device.bytes) == (1, 4 * (6 + 1))


def test_what_is_overwritten_is_not_read_and_what_is_changed_is() -> None:
    a = device_tensor(8)
    with DeviceMode() as device:
        a.zero_()
        assert device.bytes == 32
        a.mul_(2.0)
    assert device.bytes == 32 + 64


def test_causal_attention_is_one_flash_kernel_each_way() -> None:
    q, k, v = (device_tensor(2, heads, 64, 16, dtype=torch.bfloat16).requires_grad_() for heads in (4, 2, 2))
    with DeviceMode() as device:
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).sum().backward()
    assert device.kernels["_scaled_dot_product_flash_attention"] == 1
    assert device.kernels["_scaled_dot_product_flash_attention_backward"] == 1
    assert [x.grad is not None and x.grad.shape for x in (q, k, v)] == [x.shape for x in (q, k, v)]


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x[0].item(),
        lambda x: x.tolist(),
        lambda x: bool(x[0]),
        lambda x: x.cpu(),
        lambda x: x[x > 0],
        lambda x: x.copy_(torch.ones(3)),
        lambda x: torch.ones(3).copy_(x),
        lambda x: torch.ones(3).to(x.device),
    ],
    ids=["item", "tolist", "bool", "cpu", "mask", "copy to", "copy from", "to"],
)
def test_waiting_for_the_device_is_an_error(wait: Callable[[Tensor], object]) -> None:
    with pytest.raises(HostSync), DeviceMode():
        wait(device_tensor(3))


def test_copies_for_which_nothing_waits_are_counted() -> None:
    on_host = torch.ones(3)
    with DeviceMode() as device:
        on_device = on_host.to("meta", non_blocking=True)
        on_host.copy_(on_device, non_blocking=True)
    assert (device.uploads, device.readbacks, on_host.tolist()) == (1, 1, [0.0, 0.0, 0.0])


def test_tensors_of_host_and_device_do_not_mix() -> None:
    with pytest.raises(MixedDevices), DeviceMode():
        device_tensor(3) + torch.tensor(1.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_precisions_do_not_mix_and_must_be_meant(dtype: torch.dtype) -> None:
    with pytest.raises(MixedDtypes), DeviceMode():
        device_tensor(3) * device_tensor(3, dtype=dtype)
    with pytest.raises(MixedDtypes), DeviceMode(dtypes=[torch.float32]):
        device_tensor(3, dtype=dtype) * 2
