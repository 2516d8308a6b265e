"""The browser edition is made of the packages that are installed here, and replaces only its own site."""

import json
import zipfile
from pathlib import Path

import pytest

from xacct_nb.errors import InvalidInput
from xacct_nb.workshop.sheets import all_sheets
from xacct_nb.workshop.site.build import build_site
from xacct_nb.workshop.site.lock import OWN, lock_file
from xacct_nb.workshop.site.packages import REPACKED, needed_packages, requirements_of
from xacct_nb.workshop.site.pages import start_page
from xacct_nb.workshop.site.wheels import imports_of, sha256_of, write_own, write_pure, write_smaller

INFO = {"info": {"python": "3.14.2"}, "packages": {"another": {}}}


def wheel(folder: Path, name: str, *paths: str) -> Path:
    """Write a wheel with files of these paths."""
    target = folder / name
    with zipfile.ZipFile(target, "w") as archive:
        for path in paths:
            archive.writestr(path, path)
    return target


def names_in(path: Path) -> set[str]:
    return set(zipfile.ZipFile(path).namelist())


def own_package(folder: Path) -> Path:
    package = folder / "xacct_nb"
    for name in ("__init__.py", "jupyter/form.js", "__pycache__/old.pyc", "shipped/docs/page.md"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    return package


def test_what_is_needed_is_closed_under_what_it_needs() -> None:
    needed = needed_packages()

    assert {"boto3", "botocore", "ministack", "pydantic-core", "ipython"} <= set(needed)
    assert {name for each in needed for name in requirements_of(each)} <= set(needed)
    assert not {"jupyterlab-widgets", "pexpect", "papermill"} & set(needed)


def test_a_smaller_wheel_has_the_services_that_sheets_use_and_no_tests(tmp_path: Path) -> None:
    kept = ("botocore/data/iam/x.json.gz", "botocore/data/endpoints.json", "botocore/client.py")
    left_out = ("botocore/data/redshift/x.json.gz", "botocore/tests/test_it.py", "botocore/fast.c")
    info = "botocore-1.0.dist-info/METADATA"
    (tmp_path / "out").mkdir()
    path = wheel(tmp_path, "botocore-1.0-py3-none-any.whl", *kept, *left_out, info)

    assert names_in(write_smaller(path, tmp_path / "out")) == {
        *kept,
        info,
        "botocore-1.0.dist-info/RECORD",
    }


@pytest.mark.parametrize("name", sorted(REPACKED))
def test_a_package_without_its_c_parts_is_packed_from_its_python_files(name: str, tmp_path: Path) -> None:
    path = write_pure(name, tmp_path)

    assert path.name.endswith("-py3-none-any.whl")
    assert imports_of(path)
    assert {each for each in names_in(path) if each.endswith((".so", ".pyd", ".c"))} == set()


def test_the_wheel_of_this_project_has_its_code_and_not_what_it_ships(tmp_path: Path) -> None:
    path = write_own(own_package(tmp_path), "xacct_nb", "1.2", tmp_path)
    info = "xacct_nb-1.2.dist-info"

    assert names_in(path) == {
        "xacct_nb/__init__.py",
        "xacct_nb/jupyter/form.js",
        *(f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL")),
    }


def test_the_same_files_make_the_same_wheel(tmp_path: Path) -> None:
    package = own_package(tmp_path)
    digests = set()
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        digests.add(sha256_of(write_own(package, "xacct_nb", "1.2", folder)))

    assert len(digests) == 1


def test_the_lock_file_has_the_wheels_of_the_site_only_and_ours_needs_all_others(tmp_path: Path) -> None:
    ours = write_own(own_package(tmp_path), "xacct_nb", "1.2", tmp_path)
    other = write_pure("markupsafe", tmp_path)
    locked = lock_file(INFO, [ours, other])
    entry = locked["packages"]["markupsafe"]

    assert set(locked["packages"]) == {OWN, "markupsafe"}
    assert locked["packages"][OWN]["depends"] == ["markupsafe"]
    assert (entry["file_name"], entry["sha256"]) == (other.name, sha256_of(other))
    assert entry["imports"] == ["markupsafe"]
    assert locked["info"] == INFO["info"]
    assert "://" not in json.dumps(locked)


def test_a_folder_with_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(InvalidInput, match="is no site of the workshop"):
        build_site(tmp_path, tmp_path / "cache", print)

    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_start_page_leads_to_every_sheet_and_asks_no_other_host() -> None:
    page = start_page(all_sheets())

    assert [sheet.stem for sheet in all_sheets() if f"path={sheet.stem}.ipynb" not in page] == []
    assert 'data-jupyter-lite-root="."' in page
    assert "http://" not in page.replace("http://127.0.0.1", "")
    assert "https://" not in page
