#!/usr/bin/env python3
"""Packs a built function as AWS Lambda wants it: an executable file, `bootstrap`, in a zip, and beside it
the guardrails, infra/guardrails.toml.

    package.py BINARY NAME             makes target/lambda/NAME, a folder, and target/lambda/NAME.zip
    package.py --demo BINARY NAME      the same, packed in a hurry, to be run on this machine only

The same binary and guardrails give the same zip, byte for byte, whenever and wherever they are packed: no
time stamps, no owner, one fixed compression. Two things are refused, because they would fail only after
the deployment: a binary that needs a newer C library than provided.al2023 has, and a package that outgrew
its budget.
"""

import re
import shutil
import stat
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUARDRAILS = ROOT / "infra/guardrails.toml"
# Amazon Linux 2023, the system under provided.al2023, has glibc 2.34 and keeps it.
GLIBC = (2, 34)
# A bigger package is slower to start; the design allows this much.
BUDGET = 4 * 1024 * 1024


def needed_glibc(binary: bytes) -> tuple[int, int]:
    """The newest glibc symbol version that the binary names."""
    versions = re.findall(rb"\0GLIBC_(\d+)\.(\d+)", binary)
    return max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))


def pack(binary: bytes, guardrails: bytes, archive: Path, effort: int = 9) -> None:
    with zipfile.ZipFile(archive, "w") as out:
        for name, content, mode in [("bootstrap", binary, 0o755), ("guardrails.toml", guardrails, 0o644)]:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, so that the mode below is read as one
            entry.external_attr = (stat.S_IFREG | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, content, compresslevel=effort)


def main(source: str, name: str, *, demo: bool = False) -> None:
    binary = Path(source).read_bytes()
    needs = needed_glibc(binary)
    if needs > GLIBC and not demo:
        sys.exit(
            f"{source} needs glibc {needs[0]}.{needs[1]}, provided.al2023 has {GLIBC[0]}.{GLIBC[1]};\n"
            "build on an older system (Debian 12, Amazon Linux 2023) or with cargo-lambda, which links\n"
            "against an older C library: pip install cargo-lambda ziglang && cargo lambda build --release"
        )

    folder = ROOT / "target" / "lambda" / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / "bootstrap")
    (folder / "bootstrap").chmod(0o755)
    shutil.copyfile(GUARDRAILS, folder / GUARDRAILS.name)
    archive = folder.with_suffix(".zip")
    pack(binary, GUARDRAILS.read_bytes(), archive, effort=1 if demo else 9)

    size = archive.stat().st_size
    print(f"{archive.relative_to(ROOT)}: {size:,} bytes ({len(binary):,} unpacked), glibc {needs[0]}.{needs[1]}")
    if size > BUDGET and not demo:
        sys.exit(f"the package is over its budget of {BUDGET:,} bytes; see what grew: cargo bloat --release")


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--demo"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    main(*arguments, demo="--demo" in sys.argv)
