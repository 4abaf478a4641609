"""Write the generated parts of the pages, and the schemas: `python -m docs.generate`."""

from docs.generate.blocks import fill_blocks
from docs.generate.pages import GENERATED
from docs.generate.schemas import schema_files

for page, contents in GENERATED.items():
    page.write_text(fill_blocks(page.read_text(), contents()))
for path, text in schema_files().items():
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
