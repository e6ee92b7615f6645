"""The packages that are deployed: tools/package.py makes them."""

import importlib.util
import zipfile

import pytest

from expanded import ROOT

spec = importlib.util.spec_from_file_location("package", ROOT / "tools/package.py")
package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)

DEPLOYED = {name: ROOT / f"target/lambda/{name}.zip" for name in ("responder", "approver", "granter", "revoker")}
BINARY, GUARDRAILS = b"\x7fELF" + bytes(range(256)) * 40, b"version = 1\n"


def files(path) -> dict[str, tuple[int, bytes]]:
    """What a package holds: each file's mode and content."""
    with zipfile.ZipFile(path) as archive:
        return {
            entry.filename: (entry.external_attr >> 16 & 0o7777, archive.read(entry)) for entry in archive.infolist()
        }


def test_the_same_binary_and_guardrails_give_the_same_package(tmp_path):
    for name in ("one.zip", "two.zip"):
        package.pack(BINARY, GUARDRAILS, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    package.pack(BINARY, GUARDRAILS + b"# more\n", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() != (tmp_path / "two.zip").read_bytes()


def test_the_package_holds_a_file_that_may_be_executed_and_the_guardrails(tmp_path):
    package.pack(BINARY, GUARDRAILS, tmp_path / "function.zip")
    assert files(tmp_path / "function.zip") == {"bootstrap": (0o755, BINARY), "guardrails.toml": (0o644, GUARDRAILS)}


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


@pytest.mark.parametrize("name", DEPLOYED)
def test_each_deployed_package_is_within_its_budget(name):
    assert DEPLOYED[name].is_file(), "`make build` makes it"
    assert DEPLOYED[name].stat().st_size <= package.BUDGET
    found = files(DEPLOYED[name])
    assert {file: mode for file, (mode, _) in found.items()} == {"bootstrap": 0o755, "guardrails.toml": 0o644}
    _, binary = found["bootstrap"]
    assert binary.startswith(b"\x7fELF")
    assert package.needed_glibc(binary) <= package.GLIBC


@pytest.mark.parametrize("name", DEPLOYED)
def test_every_function_has_the_same_guardrails_as_its_policies(name):
    _, guardrails = files(DEPLOYED[name])["guardrails.toml"]
    assert guardrails == (ROOT / "infra/guardrails.toml").read_bytes(), "`make build` packs them"
