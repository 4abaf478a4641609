"""How Sphinx makes HTML of the pages: `make docs`.

The sources are the whole tree, so that links between pages, and to files beside them, are those that work on GitHub.
"""

from importlib import metadata

project = "golfsweep"
author = "golfsweep contributors"
version = release = metadata.version("golfsweep")
html_title = "golfsweep"

extensions = ["myst_parser", "sphinxcontrib.mermaid"]
include_patterns = [
    "docs/*.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "cluster/deploy/*.md",
    "golf/bundled/*.md",
    "skills/*/*.md",
]
exclude_patterns = [".*", "build", "tests"]
root_doc = "docs/index"
source_suffix = {".md": "markdown"}

nitpicky = True
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
# The colors of the report.
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0a66b7", "color-brand-content": "#0a66b7"},
    "dark_css_variables": {"color-brand-primary": "#6cb2f2", "color-brand-content": "#6cb2f2"},
}
