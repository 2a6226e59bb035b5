"""Links, paths and commands in the documents and in the code lead to what exists."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from run_programs import REPOSITORY

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "serving/*.md", "tests/**/*.md")
    for path in REPOSITORY.glob(pattern)
)
# What changed in the past names the files of then.
NAMES_OF_NOW = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
CODE = sorted(
    path
    for folder in ("psgan_tf", "tools", "export", "tests")
    for path in (REPOSITORY / folder).rglob("*.py")
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
OWN_PATH = re.compile(r"(?<![\w./-])((?:psgan_tf|tools|export|tests|docs|serving)/[\w./-]*\w)")
COMMAND = re.compile(r"python -m ((?:psgan_tf|tools|export|tests)(?:\.\w+)+)")
IMPORT = re.compile(
    r"^\s*from ((?:psgan_tf|tools|export)[\w.]*) import (\w+(?:, \w+)*)", re.MULTILINE
)


def anchors(document):
    """What a heading is called in a link, as GitHub makes it."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(name):
    """Whether the repository has a file, a folder, or a module of this name without its ending."""
    return (REPOSITORY / name).exists() or (REPOSITORY / f"{name}.py").is_file()


def name_of(path):
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_of_a_document_lead_to_files_and_headings(document):
    broken = []
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        place, _, anchor = unquote(link).partition("#")
        if "://" in place or place.startswith("mailto:"):
            continue
        target = (document.parent / place).resolve() if place else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", [*NAMES_OF_NOW, *CODE], ids=name_of)
def test_paths_of_the_repository_in_a_text_exist(path):
    text = path.read_text(encoding="utf-8")
    assert [name for name in OWN_PATH.findall(text) if not is_there(name)] == []


@pytest.mark.parametrize("path", [*NAMES_OF_NOW, *CODE], ids=name_of)
def test_programs_in_a_text_are_modules(path):
    names = set(COMMAND.findall(path.read_text(encoding="utf-8")))
    assert {name for name in names if not is_there(name.replace(".", "/"))} == set()


@pytest.mark.parametrize("document", NAMES_OF_NOW, ids=name_of)
def test_imports_in_a_document_can_be_made(document):
    for module, names in IMPORT.findall(document.read_text(encoding="utf-8")):
        folder = REPOSITORY / Path(*module.split("."))
        source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        text = source.read_text(encoding="utf-8")
        assert [name for name in names.split(", ") if not re.search(rf"\b{name}\b", text)] == []
