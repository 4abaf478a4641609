"""A stand-in for a GPU: the meta device, on which a computation of full size costs nothing and its work is counted.

    with DeviceMode() as device:
        learner.step(...)
    assert device.launches == 1234

Tensors of the meta device have shapes and dtypes but no numbers. The mode counts the operations that a GPU would get
and the bytes that they would move. It raises where the host would wait, or where devices or precisions are mixed:

    HostSync      the host waits for a number of the device: item, tolist, bool, a blocking copy in either direction
    MixedDevices  an operation takes tensors of the host and of the device
    MixedDtypes   an operation takes or makes floating-point numbers of two precisions, or of one that nobody meant

It counts eager operations. On a GPU the compiler fuses most elementwise ones, so that both counts are upper bounds.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten

SYNCS = {"_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal", "masked_select", "_unique2", "unique_dim"}
"""Operations whose result the host waits for; `nonzero` needs it for the shape of its own."""
NO_KERNEL = {
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
    "_unsafe_view",
    "resize_",
    "set_",
}
"""Operations, beside views, that start no kernel."""
MASKABLE = {"index", "index_put", "index_put_"}
"""Operations that wait, too, where a mask of truth values is among their indices."""
WRITE_ONLY = {"zero_", "fill_", "copy_"}
"""Operations that do not read what they overwrite."""
CASTS = {"_to_copy", "copy_"}
KEEPS_FP32_STATISTICS = {
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_backward",
}
"""Operations on bf16 that keep statistics of the softmax in fp32."""


class HostSync(AssertionError):
    """The host would wait for the device."""


class MixedDevices(AssertionError):
    """An operation takes tensors of the host and of the device."""


class MixedDtypes(AssertionError):
    """An operation mixes precisions, or has one that nobody meant."""


class _LowerRight:
    """Stands for torch's mask of the last M queries."""

    def __init__(self, queries: int, positions: int) -> None:
        assert queries < positions

    @classmethod
    def __torch_function__(cls, *_: Any) -> Any:
        """Makes torch take it for a tensor; `_FlashAttention` comes first."""
        return NotImplemented


class _FlashAttention(TorchFunctionMode):
    """Sends attention on the meta device to the operation that a GPU would run, not to one that stores all weights."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention and args[0].device.type == "meta":
            causal = kwargs.get("is_causal") or isinstance(kwargs.get("attn_mask"), _LowerRight)
            assert causal, "flash attention knows only causal masks"
            # The backward pass of fewer key/value heads is in the kernel itself: its gradients have their shapes.
            return aten._scaled_dot_product_flash_attention(*args[:3], 0.0, True)[0]
        return func(*args, **kwargs)


class DeviceMode(TorchDispatchMode):
    """Counts and checks operations on one device while it is entered."""

    def __init__(self, device: str = "meta", dtypes: Iterable[torch.dtype] = (torch.float32, torch.bfloat16)) -> None:
        """Watch a device; `dtypes` are the precisions that are meant."""
        super().__init__()
        self.device, self.dtypes = device, frozenset(dtypes)
        self.bytes = 0
        """Bytes moved if each operation reads each operand and writes each result once, from and to memory."""
        self.kernels: Counter[str] = Counter()
        """Operations that start at least one kernel, by name."""
        self.moved: Counter[str] = Counter()
        """The bytes of each of them."""
        self.uploads = self.readbacks = 0
        """Copies to and from the device for which nothing waits."""
        self._stack = ExitStack()

    @property
    def launches(self) -> int:
        """How many operations start a kernel."""
        return self.kernels.total()

    def __enter__(self) -> "DeviceMode":
        self._stack.enter_context(_FlashAttention())
        # A mask of torch's is a tensor of another class, which no mode may watch being made.
        self._stack.enter_context(mock.patch("torch.nn.attention.bias.causal_lower_right", _LowerRight))
        # torch allows its fused optimizers on a list of devices; the stand-in is none of them.
        self._stack.enter_context(mock.patch("torch.optim.adam._device_dtype_check_for_fused"))
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._stack.close()

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        operands = _tensors((args, kwargs))
        if name in CASTS and (copied := self._copy(func, name, args, kwargs)) is not None:
            return copied
        if len({operand.device.type for operand in operands}) > 1:
            raise MixedDevices(f"{name}: {[(operand.device.type, tuple(operand.shape)) for operand in operands]}")
        masked = name in MASKABLE and any(operand.dtype == torch.bool for operand in operands[1:])
        if (name in SYNCS or masked) and any(operand.device.type == self.device for operand in operands):
            raise HostSync(f"{name}: the host waits for the device")
        result = func(*args, **kwargs)
        results = _tensors(result)
        if any(tensor.device.type == self.device for tensor in (*operands, *results)):
            self._check_dtypes(name, (*operands, *results))
            self._count(func, name, args, operands, results)
        return result

    def _copy(self, func: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
        """Copy between host and device, if that is what this operation does."""
        if name == "copy_":
            (target, source), waits = args[:2], not (kwargs.get("non_blocking") or args[2:3] == (True,))
            target_device, source_device = target.device.type, source.device.type
        else:
            source, waits = args[0], not kwargs.get("non_blocking")
            target_device, source_device = torch.device(kwargs.get("device") or source.device).type, source.device.type
        if target_device == source_device or self.device not in (target_device, source_device):
            return None
        if waits:
            raise HostSync(f"{name} from {source_device} to {target_device}: the host waits for the copy")
        if target_device == self.device:
            self.uploads += 1
            return func(*args, **kwargs)
        self.readbacks += 1  # there are no numbers to copy: the host gets zeros
        return target.zero_() if name == "copy_" else torch.zeros_like(source, device=target_device)

    def _check_dtypes(self, name: str, tensors: Iterable[Tensor]) -> None:
        # A single number takes the precision of the tensor that it meets.
        dtypes = {tensor.dtype for tensor in tensors if tensor.is_floating_point() and tensor.ndim}
        if dtypes - self.dtypes or (len(dtypes) > 1 and name not in CASTS | KEEPS_FP32_STATISTICS):
            raise MixedDtypes(f"{name}: {sorted(map(str, dtypes))}")

    def _count(
        self, func: Any, name: str, args: Sequence[Any], operands: Sequence[Tensor], results: Sequence[Tensor]
    ) -> None:
        if func.is_view or name in NO_KERNEL:
            return
        slots = zip(func._schema.arguments, args, strict=False)
        written = [value for slot, value in slots if slot.alias_info is not None and slot.alias_info.is_write]
        changed = _tensors(written)
        read = operands[1:] if name in WRITE_ONLY else operands
        made = [tensor for tensor in results if all(tensor is not other for other in operands)]
        moved = sum(map(_bytes, [*read, *changed, *made]))
        self.kernels[name] += 1
        self.moved[name] += moved
        self.bytes += moved


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _bytes(tensor: Tensor) -> int:
    """Bytes of the elements that a tensor has in memory: a repeated one counts once."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    return math.prod(size for size, stride in sizes if stride or not size) * tensor.itemsize
