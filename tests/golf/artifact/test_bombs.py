"""Few bytes that claim to be a large model are refused before memory is taken for it."""

import hashlib
import json
import re
import struct
from dataclasses import asdict
from pathlib import Path

import pytest
import zstandard

from golf.artifact.body import MAX_EXPANSION, check_expansion
from golf.artifact.container import MAGIC
from golf.artifact.packing import _parts, load
from golf.errors import InputError
from golf.model.gpt import ModelConfig
from golf.model.state_dict import num_parameters, tensor_shapes
from tests.guarded import run_guarded

LARGE = ModelConfig(num_layers=14, model_dim=640, num_heads=8, num_kv_heads=4, mlp_hidden=2560)
"""60 million weights."""
LITTLE = 64 * 2**20


def write_artifact(path: Path, codec: str, body: bytes) -> Path:
    header = {"bits": 6, "codec": codec, "model": asdict(LARGE)}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    rest = struct.pack("<I", len(text)) + text + body
    path.write_bytes(MAGIC + hashlib.sha256(rest).digest() + rest)
    return path


@pytest.mark.parametrize("codec", ["zstd", "ans"])
def test_a_decompression_bomb_is_refused_before_it_unfolds(tmp_path: Path, codec: str) -> None:
    assert num_parameters(LARGE) > 60_000_000
    plain = sum(part.num_bytes for part in _parts(tensor_shapes(LARGE)))
    body = zstandard.ZstdCompressor(level=19).compress(bytes(plain)) if codec == "zstd" else b"\x00\x00\x80\x00" * 100
    path = write_artifact(tmp_path / "bomb.golf", codec, body)
    assert path.stat().st_size < 12_000
    message = f"its body has {len(body)} bytes for {plain} bytes of weights; expected at least one for {MAX_EXPANSION}"

    def read() -> None:
        with pytest.raises(InputError, match=re.escape(message)) as error:
            load(path)
        assert "\n" not in str(error.value)

    run_guarded([read], most_bytes=LITTLE)


def test_a_frame_that_holds_more_than_it_states_is_refused(tmp_path: Path) -> None:
    """The size in a frame's header bounds what zstd decompresses."""
    frame = bytearray(zstandard.ZstdCompressor(level=3).compress(bytes(1000)))
    many = zstandard.ZstdCompressor(level=3, write_content_size=False).compress(bytes(2**28))
    for body in (bytes(frame), many):
        path = write_artifact(tmp_path / "frame.golf", "zstd", body + b"\0" * (200_000 if body is many else 80_000))

        def read(path: Path = path) -> None:
            with pytest.raises(InputError, match=r"its body has|damaged"):
                load(path)

        run_guarded([read], most_bytes=LITTLE)


def test_a_small_model_of_zeros_is_no_bomb() -> None:
    check_expansion(b"", [], "here")
    small = ModelConfig(num_layers=1, model_dim=64, num_heads=2, num_kv_heads=1, mlp_hidden=64)
    check_expansion(b"\0" * 8, _parts(tensor_shapes(small)), "here")
