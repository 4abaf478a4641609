"""Hostile SentencePiece models: changed anywhere, above all in their pieces."""

import random
from pathlib import Path

import numpy as np

from golf.data.tokens import Tokenizer
from golf.selftest import BUNDLED
from tests.fuzz.harness import fuzz, is_refused
from tests.fuzz.mutations import mutate


def test_every_changed_tokenizer_is_refused_or_counts_its_own_text(tmp_path: Path) -> None:
    content = (BUNDLED[0] / "sp1024.model").read_bytes()
    path = tmp_path / "changed.model"

    def attempt(chance: random.Random) -> None:
        changed = bytearray(mutate(content, chance) if chance.random() < 0.7 else content)
        for _ in range(chance.randint(0, 3)):  # the text of a piece
            if changed:
                changed[chance.randrange(len(changed))] = chance.choice([0xFF, 0xC0, 0xED, 0x80, 0x00, 0x0A])
        path.write_bytes(bytes(changed))
        if is_refused(lambda: Tokenizer(path)):
            return
        tokenizer = Tokenizer(path)
        last = min(tokenizer.vocab_size, 400)
        document = np.array([1, *(chance.randrange(last) for _ in range(30))])
        is_refused(lambda: tokenizer.check_bytes(document))
        is_refused(lambda: tokenizer.encode("The union is strong; 1790 – 2021, naïve €."))

    fuzz(attempt, name="tokenizer", attempts=4500)
