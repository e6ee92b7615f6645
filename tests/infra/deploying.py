"""`sam deploy`, as the head of the template documents it, with CloudFormation played by MiniStack.

MiniStack unrolls the loop with code of its own, applies AWS' Serverless transform, resolves every
reference, orders the resources by what they need, and makes them, those of nested stacks as well. It
checks less than AWS does, so this finds what could never work, not everything that could fail.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from expanded import REGION, ROOT, STACK

sys.path.append(str(ROOT / "tests/local"))
from stack import Server  # noqa: E402

PACKAGES = {name: ROOT / f"target/lambda/{name}.zip" for name in ("responder", "approver", "granter", "revoker")}
# Alarms on a query of metrics, or on several; MiniStack has only those on one metric. Each with the line that comes
# after it.
UNKNOWN_TO_MINISTACK = {
    "LogsAreNotForwarded": "\n  # ---- to look at ----",
    "NothingIsForwarded": "\n  # ---- the function ----",
}


def server() -> Server:
    return Server(python=ROOT / ".tools/deploy/bin/python")


def template_for_ministack(folder: Path) -> str:
    """The template as it is, less these resources; the text is cut, so that nothing else is rewritten."""
    text = (ROOT / "infra/sam/template.yaml").read_text()
    for name, after in UNKNOWN_TO_MINISTACK.items():
        start = re.search(rf"\n *{name}(&{{Cluster}})?:\n", text).start()
        text = text[:start] + text[text.index(after, start) :]
    (folder / "target/lambda").mkdir(parents=True)
    for package in PACKAGES.values():
        shutil.copy(package, folder / "target/lambda")
    shutil.copytree(ROOT / "infra/sam", folder / "infra/sam", ignore=shutil.ignore_patterns(".*"))
    path = folder / "infra/sam/template.yaml"
    path.write_text(text)
    return str(path)


def deploy(server: Server, folder: Path, **parameters: str) -> dict[str, str]:
    """What the stack puts out."""
    server.client("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    done = subprocess.run(
        [
            ROOT / ".tools/check/bin/sam", "deploy", "--language-extensions",
            "--template", template_for_ministack(folder),
            "--stack-name", STACK,
            "--s3-bucket", "bucket",  # --resolve-s3 would make one, with a stack of SAM's own
            "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
            "--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items()),
            "--no-progressbar",
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(server.folder),
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "1",
        },
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    (stack,) = server.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
