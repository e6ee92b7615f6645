"""The tables of the functions' variables, as crates/eks-access-aws/src/vars.rs and its folder have them."""

import re
from dataclasses import dataclass

from expanded import ROOT


@dataclass(frozen=True)
class Variable:
    """A row of a table."""

    name: str
    need: str
    default: str | None
    meaning: str


def variables_of(function: str) -> dict[str, Variable]:
    """The table of this name."""
    place = ROOT / "crates/eks-access-aws/src/vars.rs"
    source = "\n".join(path.read_text() for path in [place, *sorted(place.with_suffix("").glob("*.rs"))])
    declared = {
        constant: Variable(name, need, default or None, re.sub(r"\\\n\s*", "", meaning))
        for constant, name, need, default, meaning in re.findall(
            r'const (\w+): Variable = Variable \{\s*name: "(\w+)",\s*need: Need::(\w+)(?:\("([^"]*)"\))?,'
            r'\s*meaning: "((?:[^"\\]|\\.)*)",\s*\}',
            source,
            re.S,
        )
    }
    tables = dict(re.findall(r"const (\w+): &\[Variable\] =\s*&\[(.*?)\];", source, re.S))
    assert function in tables, f"there are tables of {sorted(tables)}"
    listed = [constant.strip() for constant in tables[function].split(",") if constant.strip()]
    return {declared[constant].name: declared[constant] for constant in listed}
