"""What `eks-access aws-auth translate` writes is what the tools take."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "target/debug/eks-access"
FILE = r"""
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups: [system:bootstrappers, system:nodes]
  - rolearn: arn:aws:iam::111122223333:role/Admin
    username: "admin:{{SessionName}}"
    groups: [system:masters, "ops team"]
  - rolearn: arn:aws:iam::111122223333:role/Dev.a+b
    username: 'it''s "quoted" \ $${x} %{y}'
    groups: [devs, 'a: b # c', "${d}"]
mapUsers: |
  - userarn: arn:aws:iam::111122223333:user/team/jo
    username: jo
    groups: [devs]
"""


def translated(tool: str, path: Path, *options: str) -> Path:
    run = subprocess.run(
        [BINARY, "aws-auth", "translate", "-", "--to", tool, "--cluster", "prod", "--region", "eu-west-1", *options],
        input=FILE, text=True, capture_output=True, check=True,
    )
    path.write_text(run.stdout)
    return path


def test_cloudformation_takes_the_template(tmp_path):
    template = translated("cloudformation", tmp_path / "entries.yaml")
    lint = [Path(sys.executable).parent / "cfn-lint", "--regions", "eu-west-1", "--", template]
    assert subprocess.run(lint, text=True, capture_output=True).stdout == ""


@pytest.mark.parametrize("tool", ["aws-cli", "eksctl"])
def test_a_shell_takes_the_script(tool, tmp_path):
    subprocess.run(["sh", "-n", translated(tool, tmp_path / "entries.sh")], check=True)


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform, which the tools do not bring")
def test_terraform_reads_the_file_and_would_write_it_so(tmp_path):
    existing = tmp_path / "entries.json"
    existing.write_text('["arn:aws:iam::111122223333:role/team/Dev.a+b"]')
    file = translated("terraform", tmp_path / "entries.tf", "--existing", str(existing))
    run = subprocess.run(["terraform", "fmt", "-check", "-diff", file], text=True, capture_output=True)
    assert (run.returncode, run.stdout) == (0, "")
