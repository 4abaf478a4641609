"""The environment of a script: little of the node's own, so that a forgotten variable there changes no number."""

from collections.abc import Collection, Mapping

LIBRARY_PREFIXES = (
    "CUBLAS", "CUDA_", "CUDNN_", "FI_", "GLOO_", "GOMP_", "HSA_", "HIP_", "KMP_", "LC_", "MKL_", "NCCL_", "NVIDIA_",
    "OMP_", "OPENBLAS_", "PYTORCH_", "ROCR_", "TORCH_", "TORCHINDUCTOR_", "TRITON_", "TF32_", "UCX_",
)  # fmt: skip
"""Names of variables that libraries read, and no script for its settings."""
NODE_NAMES = (
    "CC", "CPATH", "CXX", "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LIBRARY_PATH", "LOGNAME", "PATH",
    "PYTHONIOENCODING", "PYTHONUNBUFFERED", "SHELL", "TMPDIR", "TZ", "USER", "XDG_CACHE_HOME",
)  # fmt: skip
"""What a program needs to find its files, compilers and caches. The launcher sets both PYTHON names."""


OWN_PREFIXES = ("GOLFSWEEP_", "RAY_AUTH_")
"""Names of variables that hold this program's and its cluster's own passwords and tokens: they reach no script."""


def is_library_name(name: str) -> bool:
    """Whether a variable is one that libraries read."""
    return name.startswith(LIBRARY_PREFIXES)


def node_environment(own: Mapping[str, str], passed: Collection[str]) -> dict[str, str]:
    """Those of a node's variables that reach a script: a few, those of libraries, and those that are passed by name."""
    theirs = {name: value for name, value in own.items() if not name.startswith(OWN_PREFIXES)}
    return {
        name: text for name, text in theirs.items() if name in NODE_NAMES or name in passed or is_library_name(name)
    }
