"""IAM's decisions, by tools/iam-simulate.

It proves the logic of policies, given a context. Which keys EKS really fills is what the service
authorization reference says; nobody asked EKS.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass, field

from expanded import ACCOUNT, ROOT

PROGRAM = ROOT / "tools/iam-simulate/simulate.mjs"

# A key lets nobody use it whom its own policy does not mean. This one is KMS' own, which leaves it to IAM.
OF_KEYS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}
ALLOWED, EXPLICITLY, NOT_AT_ALL = "Allowed", "ExplicitlyDenied", "ImplicitlyDenied"


@dataclass(frozen=True)
class Request:
    """What somebody asks of AWS, with what the service tells IAM about it."""

    action: str
    resource: str
    context: dict[str, str | list[str]] = field(default_factory=dict)

    def but(self, resource: str | None = None, **changes: str | list[str] | None) -> "Request":
        """The same but for these keys, of which `_` stands for `:`; `None` takes one away."""
        named = {(key.replace("__", "/").replace("_", ":", 1)): value for key, value in changes.items()}
        context = {key: value for key, value in (self.context | named).items() if value is not None}
        return Request(self.action, resource or self.resource, context)


@dataclass(frozen=True)
class Decision:
    result: str
    denied_by: set[str]
    """The policies and `Sid`s that deny it."""
    unused: list[str]


def run(asked: dict) -> dict:
    if shutil.which("node") is None:
        raise AssertionError("node is not installed, which CONTRIBUTING.md asks for")
    done = subprocess.run(
        ["node", PROGRAM], input=json.dumps(asked), text=True, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def account_of(resource: str) -> str:
    return ACCOUNT if resource == "*" else resource.split(":")[4] or ACCOUNT


def decide(requests: list[tuple[str, dict[str, dict], Request]]) -> list[Decision]:
    """What comes of each: whose role asks, with which policies, for what."""
    answer = run(
        {
            "requests": [
                {
                    "principal": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                    "account": account_of(request.resource),
                    "action": request.action,
                    "resource": request.resource,
                    "context": request.context,
                    "policies": policies,
                    "of_resource": OF_KEYS if request.action.startswith("kms:") else None,
                }
                for role, policies, request in requests
            ]
        }
    )
    return [Decision(one["result"], set(one["denied"]), one["unused"]) for one in answer["requests"]]


@dataclass(frozen=True)
class Action:
    """An action as the service authorization reference has it."""

    name: str
    level: str
    resources: dict[str, str]
    keys: set[str]
    """Its condition keys, those of its resources included."""

    def has(self, key: str) -> bool:
        name = key.split("/")[0]
        return key in self.keys or f"{name}/${{TagKey}}" in self.keys

    @property
    def changes(self) -> bool:
        return not {"Read", "List"} & set(self.level.split(", "))


def actions_of(services: set[str]) -> list[Action]:
    """Every action of these services."""
    found = run({"services": sorted(services)})["actions"]
    return [Action(one["name"], one["level"], one["resources"], set(one["keys"])) for one in found]
