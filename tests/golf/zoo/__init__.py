"""A zoo of scorers, legal and leaky: small numpy models with the habits of real entries, good and bad.

The model everywhere: fixed bigram logits plus a bias over the vocabulary that a learner trains on what it has read.
`LEGAL` has nothing against it, `LENGTH` looks at a document's length and nothing else, `LEAKY` names what each breaks:
every one of the first conditions has to be found, and at least one of the second, where there are any.
"""

from tests.golf.zoo.broken import BROKEN, NowAndThen, hangs
from tests.golf.zoo.leaky import LEAKY
from tests.golf.zoo.legal import LEGAL, Offers, bigram, mixture, to_bfloat16
from tests.golf.zoo.length import LENGTH
from tests.golf.zoo.model import VOCAB, conditions, each
from tests.golf.zoo.timed import judge
from tests.golf.zoo.wide import WIDE, WIDE_LEAKY, WIDE_LEGAL

__all__ = [
    "BROKEN",
    "LEAKY",
    "LEGAL",
    "LENGTH",
    "VOCAB",
    "WIDE",
    "WIDE_LEAKY",
    "WIDE_LEGAL",
    "NowAndThen",
    "Offers",
    "bigram",
    "conditions",
    "each",
    "hangs",
    "judge",
    "mixture",
    "to_bfloat16",
]
