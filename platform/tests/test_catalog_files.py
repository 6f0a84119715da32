"""Catalog folders as an operator hands them over: good ones, and every way in which they are not."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from barberpro.adapters import catalog_files
from barberpro.adapters.catalog_files import builtin_folder, load_catalog
from barberpro.catalog.model import UnknownNameError
from barberpro.catalog.problems import CatalogError
from barberpro.errors import ExitCode, InvalidInputError

VETERINARY = Path(__file__).parent / "catalog_veterinary"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An operator's folder, in a path with a space."""
    place = tmp_path / "mi catálogo"
    shutil.copytree(VETERINARY, place)
    return place


def failure(*folders: Path) -> CatalogError:
    with pytest.raises(CatalogError) as caught:
        load_catalog(folders)
    assert caught.value.exit_code == ExitCode.USAGE
    return caught.value


def test_a_vertical_is_added_by_a_folder_with_no_code(folder: Path) -> None:
    catalog = load_catalog([folder])
    assert catalog.vertical("veterinary").specialized_workloads == (
        "vaccination-service",
        "media-processor",
    )
    assert catalog.words["veterinary"].es_ar.provider == "veterinaria"
    assert catalog.seeds["veterinary"].owner.email == "ines@veterinaria.example"
    assert catalog.policies.cost_targets["veterinary"].monthly_infrastructure == 400
    assert "VET-LICENCE" in {c.id for c in catalog.controls_for(catalog.vertical("veterinary"))}
    assert catalog.vertical("barbershop") == load_catalog().vertical("barbershop")


def test_the_how_to_is_a_catalog_that_loads(tmp_path: Path) -> None:
    text = (VETERINARY.parents[2] / "docs/how-to/add-a-vertical.md").read_text(encoding="utf-8")
    blocks = re.findall(r"`my-catalog/([^`]+)`:\n\n```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 4
    for name, block in blocks:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block, encoding="utf-8")
    documented, tested = load_catalog([tmp_path]), load_catalog([VETERINARY])
    assert documented.vertical("veterinary") == tested.vertical("veterinary")
    assert documented.seeds["veterinary"] == tested.seeds["veterinary"]


def test_without_the_folder_the_vertical_is_unknown_and_the_nearest_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="veterinary"):
        load_catalog().vertical("veterinary")
    with pytest.raises(UnknownNameError) as caught:
        load_catalog().vertical("barbershp")
    assert "did you mean barbershop?" in caught.value.mend
    assert caught.value.exit_code == ExitCode.USAGE


def test_an_entry_is_redefined_only_on_purpose(folder: Path) -> None:
    markets = folder / "markets.yaml"
    small = "small_market: {cpu_cores: 3, memory_gb: 6, storage_gb: 50, concurrent_users: 60, estimated_bookings_daily: 120}\n"
    markets.write_text(small, encoding="utf-8")
    text = str(failure(folder))
    assert f"{folder}/markets.yaml:1" in text
    assert "which catalog/markets.yaml:4 defines already" in text
    markets.write_text(f"redefines: [small]\n{small}", encoding="utf-8")
    assert load_catalog([folder]).market("small").cpu_cores.minimum == 3


def test_redefining_what_is_not_there_is_a_mistake_too(folder: Path) -> None:
    costs = folder / "policies" / "costs.yaml"
    costs.write_text(f"redefines: [vetrinary]\n{costs.read_text()}", encoding="utf-8")
    text = str(failure(folder))
    assert "policies/costs.yaml:1: redefines: found 'vetrinary'" in text


def test_a_section_of_policies_can_be_redefined(folder: Path) -> None:
    section = (
        "business_hours:\n  argentina_standard_time: 08:00 - 20:00 ART\n  emergency_support: none\n"
    )
    section += "  planned_maintenance: Mondays 03:00 - 05:00 ART\n"
    file = folder / "policies" / "contacts.yaml"
    file.write_text(f"redefines: [business_hours]\n{section}", encoding="utf-8")
    hours = load_catalog([folder]).policies.business_hours
    assert (hours.attended.end, hours.maintenance_window.weekday) == ("20:00", 1)


def test_a_region_and_a_provider_are_files_of_data(folder: Path) -> None:
    region = "uruguay_regions:\n  south: {location: Montevideo, population_coverage: 2M, latency_target: 90ms,"
    region += " country: UY, timezone: America/Montevideo, currency: UYU}\n"
    (folder / "regions.yaml").write_text(region, encoding="utf-8")
    (folder / "providers").mkdir()
    own = (builtin_folder() / "providers" / "on-premises.yaml").read_text(encoding="utf-8")
    own = own.replace("provider: on-premises", "provider: our-rack")
    (folder / "providers" / "our-rack.yaml").write_text(own, encoding="utf-8")
    catalog = load_catalog([folder])
    assert catalog.region("uruguay-south").currency == "UYU"
    assert catalog.provider("our-rack").default.country == "AR"


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("policies/x.yaml", b"\xff\xfe\x00", "not UTF-8 (line 1)"),
        ("policies/x.yaml", b"# \n# \n# \xe9\n", "not UTF-8 (line 3)"),
        ("policies/x.yaml", b"#" * (catalog_files.MAX_BYTES + 1), "expected a smaller file"),
        ("policies/x.yaml", b"# " * 140_000, "expected at most 262,144 in one file"),
        ("policies/x.yml", b"a: 1\n", "found the ending .yml, expected .yaml"),
        ("notes.yaml", b"a: 1\n", "a file that the catalog does not know"),
        ("verticals/veterinary/word.yaml", b"a: 1\n", "a file that the catalog does not know"),
        ("policies/x.yaml", b"", "found an empty file"),
        ("verticals/Big Name/vertical.yaml", b"a: 1\n", "as the name of the folder"),
    ],
)  # fmt: skip
def test_files_that_are_not_catalog_files(
    folder: Path, name: str, data: bytes, expected: str
) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    error = failure(folder)
    assert expected in str(error)
    assert name in str(error)


def test_other_files_and_hidden_folders_are_left_alone(folder: Path) -> None:
    (folder / "README.md").write_text("hello", encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.yaml").write_text("[", encoding="utf-8")
    (folder / "policies" / ".costs.yaml.swp").write_bytes(b"\x00")
    assert "veterinary" in load_catalog([folder]).verticals


def test_folders_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("a: 1", encoding="utf-8")
    assert "found nothing that can be read" in str(failure(tmp_path / "absent"))
    assert "found a file, expected a folder" in str(failure(file))
    assert "found no .yaml file" in str(failure_of_empty(tmp_path / "empty"))
    assert "found nothing that can be read" in str(failure(Path("x" * 5000)))


def failure_of_empty(place: Path) -> CatalogError:
    place.mkdir()
    return failure(place)


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "policies" / "pipe.yaml")
    assert "expected a file" in str(failure(folder))


def test_links_in_circles_and_to_nowhere(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    assert "veterinary" in load_catalog([folder]).verticals
    (folder / "policies" / "gone.yaml").symlink_to(folder / "nowhere")
    assert "the file cannot be read: No such file" in str(failure(folder))


def test_names_that_are_not_text_can_be_told(folder: Path) -> None:
    Path(os.fsdecode(bytes(folder) + b"/policies/\xff\n.yaml")).write_text("a: 1", encoding="utf-8")
    error = str(failure(folder))
    assert error.encode("utf-8")
    assert "policies/\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.yaml" in error


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder of a catalog that may not be entered; root, who may, is somebody else meanwhile."""
    place = Path(tempfile.mkdtemp(prefix="bp-closed-"))
    place.chmod(0o755)
    (place / "policies").mkdir(mode=0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    yield place
    if root:
        os.seteuid(0)
    (place / "policies").rmdir()
    place.rmdir()


def test_a_folder_that_may_not_be_read(closed: Path) -> None:
    assert "the folder cannot be read: Permission denied" in str(failure(closed))


def test_too_many_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_files, "MAX_ENTRIES", 150)  # the built-in folder has fewer
    assert "veterinary" in load_catalog([folder]).verticals
    for number in range(151):
        (folder / f"{number}.txt").touch()
    assert "found more than 150 files and folders" in str(failure(folder))


def test_the_builtin_folder_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BARBERPRO_REPOSITORY", str(tmp_path))
    with pytest.raises(InvalidInputError, match="not there") as caught:
        load_catalog()
    assert "BARBERPRO_REPOSITORY" in caught.value.mend
    monkeypatch.delenv("BARBERPRO_REPOSITORY")
    shutil.copytree(builtin_folder(), tmp_path / "catalog")
    monkeypatch.setenv("BARBERPRO_REPOSITORY", str(tmp_path))
    assert builtin_folder() == tmp_path / "catalog"
    assert "dental" in load_catalog().verticals
