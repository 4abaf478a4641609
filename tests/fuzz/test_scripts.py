"""Hostile scripts: read without running them, in bounded time and memory."""

import base64
import random
import zlib

from jobs.scripts.source import read_source
from sweeps.spec.drafts.script import ScriptDraft, draft_script_sweep
from tests.fuzz.harness import fuzz, is_refused
from tests.fuzz.mutations import mutate

SCRIPT = b"""import os, torch, lzma as L
from os import environ as E
class H:
    lr: float = float(E.get("LR", 0.02 * 2**3))
    path = f"final_{E["NAME"]}.pt"
def env(name, default): return int(os.environ.get(name, default))
for name, value in (("A", 1), ("B", 2)): env(name.upper() + "_X", value)
torch.save({}, H.path)
print(f"final_{name}_exact val_loss:{1.0} val_bpb:{2.0}")
files = sorted(files)[rank::world_size]
"""
PIECES = (b"(", b"[" * 300, b"{" * 300, b'f"{' * 40, b"lambda:" * 200, b"not " * 3000, b"-" * 3000, b"\n" * 5000, b"\0")
PIECES += (
    b"x=x+x\n",
    b"name = name + name\n",
    b"def env(name, default=env(name)): return env(name)\n",
    b'"""',
    b"\xff",
)
PIECES += (
    b"exec(lzma.decompress(b'" + bytes(50) + b"'))",
    b"x." * 2000 + b"y",
    b"[a for a in a] " * 50,
    b"2**3**4**5**6**7",
)


def test_reading_a_script_ends_and_says_what_it_cannot_read() -> None:
    def attempt(chance: random.Random) -> None:
        content = mutate(SCRIPT, chance) if chance.random() < 0.7 else SCRIPT
        for _ in range(chance.randint(0, 3)):
            at = chance.randint(0, len(content))
            content = content[:at] + chance.choice(PIECES) + content[at:]
        if chance.random() < 0.3:
            packed = base64.b85encode(zlib.compress(content))
            content = b"import zlib,base64\nexec(zlib.decompress(base64.b85decode(%r)))\n" % packed
            content = mutate(content, chance) if chance.random() < 0.5 else content

        def read() -> None:
            source = read_source(content, {"lib.py": mutate(SCRIPT, chance)})
            draft = ScriptDraft(sweep_file="sweep.toml", file="train_gpt.py", python="python3")
            draft_script_sweep(draft, source)

        is_refused(read)

    fuzz(attempt, name="scripts", attempts=200)
