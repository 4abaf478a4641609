"""What decides the machine class."""

import pytest
import torch

from jobs.machine import environment


def test_on_a_gpu_another_process_chooses_the_kernel_whose_name_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler then holds none of the GPU's memory. The process sees this machine, which has no GPU."""
    environment.attention_name.cache_clear()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(environment, "_choose_attention", lambda: "in this process")
    try:
        assert environment.attention_name() == "blocks"
        environment.attention_name.cache_clear()
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        assert environment.attention_name() == "in this process"
    finally:
        environment.attention_name.cache_clear()
