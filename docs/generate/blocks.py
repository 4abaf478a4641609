"""Generated blocks of a page: the lines between `<!-- generated: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Mapping

BLOCK = re.compile(r"(?<=^<!-- generated: )(?P<name>.+?) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def fill_blocks(page: str, contents: Mapping[str, str]) -> str:
    """The page with each block's present content.

    Raises:
        ValueError: a content without a block in the page, or a block without a content.
    """
    names = [match["name"] for match in BLOCK.finditer(page)]
    if differing := set(names) ^ set(contents):
        raise ValueError(f"generated blocks and contents differ: {', '.join(sorted(differing))}")
    return BLOCK.sub(lambda match: f"{match['name']} -->\n\n{contents[match['name']]}\n\n<!-- end -->", page)
