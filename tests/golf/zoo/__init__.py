"""A zoo of scorers, legal and leaky: small numpy models that do what real entries do.

All share one model: fixed bigram logits plus a bias over the vocabulary that is trained on the tokens read.
`LEGAL` scorers violate nothing, `LENGTH` and `LENGTH_BREACH` scorers depend only on a document's length, a little or
much. `LEAKY` scorers name the conditions that they violate: an audit must report all of `all_of`, and at least one of
`any_of` if it has any.
"""

from tests.golf.zoo.broken import BROKEN, Intermittent, hangs
from tests.golf.zoo.leaky import LEAKY
from tests.golf.zoo.legal import LEGAL, Declares, bigram, mixture, to_bfloat16
from tests.golf.zoo.length import LENGTH, LENGTH_BREACH
from tests.golf.zoo.model import VOCAB, conditions, each
from tests.golf.zoo.timed import judge
from tests.golf.zoo.wide import WIDE, WIDE_LEAKY, WIDE_LEGAL

__all__ = [
    "BROKEN",
    "LEAKY",
    "LEGAL",
    "LENGTH",
    "LENGTH_BREACH",
    "VOCAB",
    "WIDE",
    "WIDE_LEAKY",
    "WIDE_LEGAL",
    "Declares",
    "Intermittent",
    "bigram",
    "conditions",
    "each",
    "hangs",
    "judge",
    "mixture",
    "to_bfloat16",
]
