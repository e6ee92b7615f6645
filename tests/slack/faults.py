"""What goes wrong on the way to Slack and back, told in advance and used up in order."""

from dataclasses import dataclass

# What each kind of fault must tell besides its kind.
KINDS = {"429": "retry_after", "500": None, "error": "error", "sleep": "seconds", "drop": None, "after": None}


@dataclass
class Fault:
    method: str
    kind: str
    retry_after: int = 1
    error: str = ""
    seconds: float = 0
    times: int | str = 1

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"`{self.kind}` is no kind of fault; there are {', '.join(KINDS)}")
        if self.times != "forever" and not (isinstance(self.times, int) and self.times > 0):
            raise ValueError("`times` is a number above zero, or `forever`")

    def is_for(self, method: str) -> bool:
        return self.method in (method, "*")


def parsed(told: list[dict]) -> list[Fault]:
    return [checked(one) for one in told]


def checked(told: dict) -> Fault:
    fault = Fault(**told)
    needed = KINDS[fault.kind]
    if needed and needed not in told:
        raise ValueError(f"a fault of kind `{fault.kind}` tells `{needed}`")
    return fault


def take(faults: list[Fault], method: str) -> Fault | None:
    """The first fault that is meant for a method. One that was taken often enough is gone."""
    fault = next((one for one in faults if one.is_for(method)), None)
    if fault and fault.times != "forever":
        fault.times -= 1
        if not fault.times:
            faults.remove(fault)
    return fault
