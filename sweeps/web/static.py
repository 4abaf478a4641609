"""Stylesheets and scripts, by name alone: no path of a request reaches the disk."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from sweeps.web.pages.rendering import ASSETS, FOLDER
from sweeps.web.problems import NotFound

router = APIRouter(include_in_schema=False)
FILES: dict[str, Path] = {
    path.name: path
    for folder in (ASSETS, FOLDER / "static")
    for path in folder.iterdir()
    if path.suffix in (".css", ".js")
}


@router.get("/static/{name}")
def get_file(name: str) -> FileResponse:
    """A stylesheet or script."""
    if name not in FILES:
        raise NotFound("no such file")
    return FileResponse(FILES[name])
