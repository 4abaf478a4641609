"""Write the generated parts of the pages: `python -m docs.generate`."""

from docs.generate.blocks import fill_blocks
from docs.generate.pages import GENERATED

for page, contents in GENERATED.items():
    page.write_text(fill_blocks(page.read_text(), contents()))
