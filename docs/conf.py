"""Settings of Sphinx for the documentation as web pages: `bash scripts/docs.sh`."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

project = "ecostep"
author = "the ecostep developers"
version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]  # type: ignore[index]
release = version

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["ford.md", "notebooks", "paper"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # pages of results begin below the first level
autodoc_member_order = "bysource"
autodoc_typehints = "description"
html_theme = "furo"
html_title = f"ecostep {version}"
html_static_path: list[str] = []

_LINK = re.compile(r"\]\((?P<path>(?:\.\./|[\w-]+/)*[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")


def _name_sources(_app: Sphinx, page: str, source: list[str]) -> None:
    """Links to files that are no pages become their names: a site has no source tree beside it."""
    folder = (ROOT / "docs" / page).parent

    def name(match: re.Match[str]) -> str:
        path = match["path"]
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        target = (folder / path).resolve()
        if not target.exists():
            return match[0]  # Sphinx tells of it
        in_docs = target.suffix == ".md" and target.is_relative_to(ROOT / "docs")
        is_page = in_docs and target.name not in exclude_patterns
        if is_page or target.suffix in (".png", ".svg"):
            return match[0]
        return f"] (`{target.relative_to(ROOT)}`)"

    source[0] = re.sub(r"\[([^\]]*)\] \((`[^`]*`)\)", r"\1 (\2)", _LINK.sub(name, source[0]))


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _name_sources)
