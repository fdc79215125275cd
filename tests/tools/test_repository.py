"""The files around the code agree with it."""

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from softswitch.cli import _parser

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("config", "ivr", "media", "ringpool", "rtp", "softswitch")


def docker_instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def test_what_the_dockerfile_copies_exists_and_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if "!" in line}
    copies = [shlex.split(rest) for word, rest in docker_instructions() if word == "COPY"]
    sources = {s for copy in copies if not copy[0].startswith("--") for s in copy[:-1]}
    assert set(PACKAGES) <= sources
    for source in sources:
        assert (ROOT / source).exists()
        assert source.split("/")[0] in kept


def test_the_command_of_the_image_is_one_of_ours() -> None:
    instructions = dict(docker_instructions())
    command = json.loads(instructions["ENTRYPOINT"]) + json.loads(instructions["CMD"])
    assert command[0] in PYPROJECT["project"]["scripts"]
    options = _parser().parse_args(command[1:])
    assert (ROOT / "config/examples" / options.config.name).is_file()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not in a clone")
def test_nothing_that_a_build_makes_is_committed() -> None:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    made = re.compile(r"\.(so|o|pyc|whl|egg-info)$|^(build|dist|var)/|/__pycache__/")
    assert [path for path in listed.stdout.splitlines() if made.search(path)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_installed_and_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert f"{package}*" in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]


def test_every_room_has_its_place_in_the_import_contracts() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    placed = set(re.findall(r"[\w.]+", " ".join(layers)))
    rooms = {package for package in PACKAGES if package != "softswitch"}
    rooms |= {
        f"softswitch.{path.stem}"
        for path in (ROOT / "softswitch").iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert rooms - placed == set()


def test_every_package_pinned_by_hash_is_pinned_in_the_project_too() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = {requirement for extra in extras.values() for requirement in extra}
    wanted |= set(PYPROJECT["project"]["dependencies"])
    text = re.sub(r"(#.*|\\\n)", "", (ROOT / "requirements/pinned.txt").read_text())
    pinned = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert pinned
    assert set(pinned) <= wanted


def test_the_help_of_make_names_every_target_a_person_calls() -> None:
    makefile = (ROOT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert {"demo", "test", "test-full", "check", "bench", "fuzz", "format", "clean"} <= described


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)", path.read_text())
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert missing == []
