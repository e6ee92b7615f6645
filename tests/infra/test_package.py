"""The package that is deployed: tools/package.py makes it."""

import importlib.util
import zipfile

import pytest

from expanded import ROOT

spec = importlib.util.spec_from_file_location("package", ROOT / "tools/package.py")
package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)

DEPLOYED = ROOT / "target/lambda/responder.zip"


def test_the_same_binary_gives_the_same_package(tmp_path):
    for name in ("one.zip", "two.zip"):
        package.pack(b"\x7fELF" + bytes(range(256)) * 40, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_package_holds_one_file_that_may_be_executed(tmp_path):
    package.pack(b"binary", tmp_path / "function.zip")
    with zipfile.ZipFile(tmp_path / "function.zip") as archive:
        (entry,) = archive.infolist()
    assert (entry.filename, entry.external_attr >> 16 & 0o7777) == ("bootstrap", 0o755)


@pytest.mark.parametrize(
    ("binary", "needs"),
    [
        (b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0", (2, 34)),
        (b"\0GLIBC_2.38\0", (2, 38)),
        (b"a text about GLIBC_2.99", (0, 0)),
        (b"", (0, 0)),
    ],
)
def test_the_c_library_that_a_binary_needs_is_read_from_it(binary, needs):
    assert package.needed_glibc(binary) == needs


def test_a_binary_that_the_runtime_could_not_load_is_refused(tmp_path):
    binary = tmp_path / "too-new"
    binary.write_bytes(b"\0GLIBC_2.38\0")
    with pytest.raises(SystemExit, match="needs glibc 2.38"):
        package.main(str(binary), "too-new")
    assert not (ROOT / "target/lambda/too-new.zip").exists()


def test_the_deployed_package_is_within_its_budget():
    assert DEPLOYED.is_file(), "`make build` makes it"
    assert DEPLOYED.stat().st_size <= package.BUDGET
    with zipfile.ZipFile(DEPLOYED) as archive:
        (entry,) = archive.infolist()
        binary = archive.read(entry)
    assert (entry.filename, entry.external_attr >> 16 & 0o7777) == ("bootstrap", 0o755)
    assert binary.startswith(b"\x7fELF")
    assert package.needed_glibc(binary) <= package.GLIBC
