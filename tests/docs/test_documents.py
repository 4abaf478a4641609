"""The documents name every room, event, module and command as they are."""

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

from benchmarks.performance import BEGIN, END, PAGE, replace_table
from jobs.state import EventKind
from sweeps.cli.help import GROUPS

ROOT = Path(__file__).parents[2]


def rooms() -> list[str]:
    """The folders one level below each package that hold something of their own."""
    folders = (path for package in ("golf", "jobs", "cluster", "sweeps") for path in (ROOT / package).iterdir())
    kept = [path for path in folders if path.is_dir() and any(path.glob("*.py")) and path.name != "__pycache__"]
    return sorted(f"{path.parent.name}/{path.name}/" for path in kept)


@pytest.mark.parametrize("document", ["docs/ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_room_is_described(document: str) -> None:
    described = re.findall(r"^\| `(\w+/\w+/)` \| ", (ROOT / document).read_text(), re.MULTILINE)
    missing = set(rooms()) - set(described)
    assert not missing
    assert all((ROOT / room).is_dir() for room in described)


def test_what_the_architecture_says_to_add_to_exists() -> None:
    """Each table of "Where do I put" is a name in some module."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    (table,) = re.findall(r"^## Where do I put …\n(.+?)^## ", text, re.DOTALL | re.MULTILINE)
    sources = "\n".join(
        path.read_text()
        for package in ("golf", "jobs", "cluster", "sweeps", "tests")
        for path in (ROOT / package).rglob("*.py")
    )
    for name in re.findall(r"`([A-Z][A-Za-z_]+)`", table):
        assert re.search(rf"^(?:class {name}\b|{name}\b.*=)", sources, re.MULTILINE), name


def test_the_architecture_lists_every_kind_of_event() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    (section,) = re.findall(r"^### Events\n(.+?)^## ", text, re.DOTALL | re.MULTILINE)
    (rows,) = re.findall(r"^\| about \| kinds \|\n(.+?)\n\n", section, re.DOTALL | re.MULTILINE)
    assert sorted(re.findall(r"`([a-z ]+)`", rows)) == sorted(kind.value for kind in EventKind)


def test_the_measured_table_has_its_place() -> None:
    page = PAGE.read_text()
    assert "| of the machine's peak |" in page
    renewed = replace_table(page, "measured again\n")
    assert "| of the machine's peak |" not in renewed
    assert replace_table(renewed, page.partition(BEGIN)[2].partition(END)[0].strip("\n") + "\n") == page


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/glossary.md"])
def test_modules_and_names_in_documents_can_be_imported(document: str) -> None:
    names = re.findall(r"`((?:golf|jobs|cluster|sweeps)(?:\.\w+)+)`", (ROOT / document).read_text())
    for name in names:
        try:
            resolve_name(name)
        except (ImportError, AttributeError) as error:
            pytest.fail(f"{document}: {name}: {error}")


@pytest.mark.parametrize(
    "document", [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name
)
def test_every_command_in_a_document_is_one(document: Path) -> None:
    known = {name for names in GROUPS.values() for name in names}
    assert set(re.findall(r"`golfsweep ([a-z]+)", document.read_text())) <= known
