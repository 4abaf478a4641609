"""Which kernel a GPU gets, with the interface that each supported version of torch has. Needs no GPU.

The registries are stubs of `torch.nn.attention` as read in the sources of 2.9.1, 2.10.0, 2.11.0, 2.12.0 and 2.13.0:
2.9 has none; 2.10 lists FA4 and cannot undo it; later ones list FA3 and FA4 and can.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import attention as torch_attention

from golf.entry.bundle import bundle
from golf.errors import InputError
from golf.model import attention
from golf.model.attention import choose_kernel
from golf.model.kernels import KERNELS, KernelInputs

GPU = torch.device("cuda")
BF16 = torch.bfloat16
REGISTRY = (
    "register_flash_attention_impl",
    "activate_flash_attention_impl",
    "list_flash_attention_impls",
    "current_flash_attention_impl",
    "restore_flash_attention_impl",
)
VERSIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "2.9.1": ((), ()),
    "2.10.0": (REGISTRY[:4], ("FA4",)),
    "2.11.0": (REGISTRY, ("FA3", "FA4")),
    "2.12.0": (REGISTRY, ("FA3", "FA4")),
    "2.13.0": (REGISTRY, ("FA3", "FA4")),
}
"""The functions of each version's registry, and the kernels that it lists."""


class FakeGpu:
    """A GPU, a version of torch and some packages; kernels in `broken` fail the probe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.active: str | None = None
        self.listed: tuple[str, ...] = ()
        self.unbuilt: set[str] = set()
        self.broken: set[str] = set()
        self.packages: set[str] = set()
        self.capability = (9, 0)
        monkeypatch.setattr(attention, "_capability", lambda _: self.capability)
        monkeypatch.setattr(attention, "probe", self.probe)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in self.packages else None)
        self.check_gpu = attention._check_gpu
        monkeypatch.setattr(attention, "_check_gpu", lambda *_: None)
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91501)
        monkeypatch.setattr(torch, "compile", lambda function, **_: function)
        attention._try.cache_clear()

    def install(self, version: str) -> None:
        functions, self.listed = VERSIONS[version]
        stubs: dict[str, Any] = {
            "register_flash_attention_impl": None,
            "activate_flash_attention_impl": self.activate,
            "list_flash_attention_impls": lambda: list(self.listed),
            "current_flash_attention_impl": lambda: self.active,
            "restore_flash_attention_impl": self.restore,
        }
        for name in REGISTRY:
            if name in functions:
                self._monkeypatch.setattr(torch_attention, name, stubs[name], raising=False)
            else:
                self._monkeypatch.delattr(torch_attention, name, raising=False)
        self._monkeypatch.setattr(torch, "__version__", version)

    def activate(self, name: str) -> None:
        if name in self.unbuilt:
            raise ImportError(f"no module that builds {name}")
        self.active = name

    def restore(self) -> None:
        self.active = None

    def probe(self, attend: Any, inputs: KernelInputs, shapes: Any = None) -> str | None:
        own = KERNELS["flash"].attend  # whatever kernel is active in torch
        running = next(
            kernel.name
            for kernel in KERNELS.values()
            if kernel.attend is attend and (attend is not own or kernel.flash == self.active)
        )
        return "its result is off by 0.7" if running in self.broken else None


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGpu]:
    yield FakeGpu(monkeypatch)
    attention._try.cache_clear()


def test_the_installed_torch_has_the_registry_of_its_version() -> None:
    version = ".".join(torch.__version__.split("+")[0].split(".")[:2]) + "."
    functions, listed = next(value for name, value in VERSIONS.items() if name.startswith(version))
    assert [name for name in REGISTRY if hasattr(torch_attention, name)] == list(functions)
    assert not functions or torch_attention.list_flash_attention_impls() == list(listed)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_torch_gives_a_kernel(gpu: FakeGpu, version: str) -> None:
    gpu.install(version)
    assert choose_kernel("auto", GPU, BF16).name == ("fa3" if "FA3" in gpu.listed else "flash")
    for package, name in (("flash_attn", "flash-attn"), ("flash_attn_interface", "flash-attn-3")):
        gpu.packages.add(package)
        attention._try.cache_clear()
        gpu.unbuilt, gpu.active = {"FA3", "FA4"}, None
        assert choose_kernel("auto", GPU, BF16).name == name


def test_a_version_that_cannot_undo_a_kernel_activates_it_only_by_name(gpu: FakeGpu) -> None:
    gpu.install("2.10.0")
    assert choose_kernel("auto", GPU, BF16).name == "flash"
    assert gpu.active is None
    assert choose_kernel("fa4", GPU, BF16).name == "fa4"
    assert gpu.active == "FA4"
    attention._try.cache_clear()
    with pytest.raises(InputError, match=r"torch 2.10.0 cannot return from FA4 to its own flash kernel"):
        choose_kernel("sdpa", GPU, BF16)


def test_torchs_own_kernel_is_restored_when_it_is_chosen(gpu: FakeGpu) -> None:
    gpu.install("2.13.0")
    assert choose_kernel("fa3", GPU, BF16).name == "fa3"
    assert gpu.active == "FA3"
    assert choose_kernel("sdpa", GPU, BF16).name == "sdpa"
    assert gpu.active is None
    assert choose_kernel("fa3", GPU, BF16).name == "fa3"
    assert gpu.active == "FA3"


def test_newer_cards_prefer_the_newer_kernel(gpu: FakeGpu) -> None:
    gpu.install("2.13.0")
    gpu.capability = (10, 0)
    assert choose_kernel("auto", GPU, BF16).name == "fa4"


def test_a_kernel_that_computes_something_else_is_not_chosen(gpu: FakeGpu) -> None:
    """A wheel for another card, or with another mask."""
    gpu.install("2.12.0")
    gpu.packages = {"flash_attn_interface", "flash_attn"}
    gpu.broken = {"fa3", "fa4", "flash-attn-3"}
    assert choose_kernel("auto", GPU, BF16).name == "flash-attn"
    gpu.broken |= {"flash-attn", "cudnn", "flash"}
    attention._try.cache_clear()
    assert choose_kernel("auto", GPU, BF16).name == "sdpa"


def test_cudnn_is_for_shapes_that_stay_the_same(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    """It prepares each shape anew, and test-time training has a new one at every visit."""
    gpu.install("2.9.1")
    assert choose_kernel("auto", GPU, BF16, compiled=True).name == "cudnn"
    assert choose_kernel("auto", GPU, BF16).name == "flash"
    assert choose_kernel("cudnn", GPU, BF16).name == "cudnn"
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    attention._try.cache_clear()
    assert choose_kernel("auto", GPU, BF16, compiled=True).name == "flash"


def test_trying_another_kernel_leaves_the_active_one(gpu: FakeGpu) -> None:
    gpu.install("2.13.0")
    assert choose_kernel("fa3", GPU, BF16).name == "fa3"
    gpu.broken, gpu.packages = {"fa4"}, {"flash_attn"}
    with pytest.raises(InputError, match="fa4: its result is off"):
        choose_kernel("fa4", GPU, BF16)
    assert gpu.active == "FA3"


def test_a_gpu_computes_float32_with_all_of_its_bits(gpu: FakeGpu) -> None:
    """An image of the vendor's may have set TF32."""
    gpu.install("2.13.0")
    torch.set_float32_matmul_precision("high")
    try:
        choose_kernel("auto", GPU, torch.float32)
        assert torch.get_float32_matmul_precision() == "highest"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_full_gpu_says_nothing_about_a_kernel(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu.install("2.13.0")

    def full(*_: Any) -> str | None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(attention, "probe", full)
    with pytest.raises(torch.OutOfMemoryError):
        choose_kernel("auto", GPU, BF16)
    monkeypatch.setattr(attention, "probe", gpu.probe)
    assert choose_kernel("auto", GPU, BF16).name == "fa3"


def test_a_kernel_that_breaks_the_gpu_is_named(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu.install("2.9.1")

    def illegal(*_: Any, **__: Any) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(attention, "probe", illegal)
    monkeypatch.setattr(attention, "_check_gpu", gpu.check_gpu)
    monkeypatch.setattr(torch, "zeros", illegal)
    with pytest.raises(InputError, match=r"kernel flash fails with RuntimeError: CUDA error: .*; name another kernel"):
        choose_kernel("auto", GPU, BF16)


def test_a_missing_kernel_is_said_with_its_reason(gpu: FakeGpu, caplog: pytest.LogCaptureFixture) -> None:
    gpu.install("2.9.1")
    attention._log_choice.cache_clear()
    with caplog.at_level("INFO", logger="golf.model.attention"):
        assert choose_kernel("auto", GPU, BF16).name == "flash"
    assert "flash-attn-3: the package flash_attn_interface is not installed" in caplog.text
    with pytest.raises(InputError, match=r"fa3: torch 2.9.1 has no registry of FlashAttention kernels; .* sdpa$"):
        choose_kernel("fa3", GPU, BF16)


def test_float32_never_gets_a_kernel_of_half_precision(gpu: FakeGpu) -> None:
    gpu.install("2.13.0")
    gpu.packages = {"flash_attn_interface", "flash_attn"}
    assert choose_kernel("auto", GPU, torch.float32).name == "sdpa"
    with pytest.raises(InputError, match=r"computes in bfloat16 or float16, not in float32\); expected auto, sdpa"):
        choose_kernel("fa3", GPU, torch.float32)


PACKED = """
import sys, torch
from types import SimpleNamespace
from torch.nn import attention as torch_attention
for name in {registry}:
    if hasattr(torch_attention, name):
        delattr(torch_attention, name)
from golf.model import attention
assert attention.__file__.startswith(sys.argv[1]), attention.__file__
attention._capability = lambda device: (9, 0)
attention.probe = lambda attend, inputs, shapes=None: None
print(attention.choose_kernel("auto", torch.device("cuda"), torch.bfloat16).name)
"""


def test_a_packaged_script_chooses_a_kernel_without_torchs_registry(tmp_path: Path) -> None:
    script = tmp_path / "train_gpt.py"
    script.write_bytes(bundle("packed", {}).content)
    subprocess.run([sys.executable, script, "--source", tmp_path / "source"], check=True)
    check = PACKED.format(registry=REGISTRY)
    done = subprocess.run(
        [sys.executable, "-c", check, tmp_path / "source"], env={"PYTHONPATH": str(tmp_path / "source")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "flash", done.stderr


@pytest.mark.parametrize("page", ["gpus.md", "sweep-file.md"])
def test_every_kernel_is_documented(page: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / page).read_text()
    assert [name for name in KERNELS if f"`{name}`" not in text and f'`"{name}"`' not in text] == []
