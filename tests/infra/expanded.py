"""The stack as CloudFormation would make it.

The template is a loop, a transform and conditions; what a reviewer must know is what comes out of
them. AWS' own code expands it here, the same that `sam` runs: first AWS::LanguageExtensions, then the
Serverless transform. Nothing is asked of an AWS account.
"""

import copy
from pathlib import Path

import boto3
from samcli.lib.cfn_language_extensions import expand_language_extensions
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = yaml_parse((ROOT / "infra/sam/template.yaml").read_text())

REGION, ACCOUNT, STACK = "eu-west-1", "111122223333", "eks-access-responder"
PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


class Stack:
    """One expansion, with the resources whose condition holds."""

    def __init__(self, **parameters):
        given = {"Clusters": "prod", **parameters}
        defaults = {
            name: parameter["Default"]
            for name, parameter in TEMPLATE["Parameters"].items()
            if "Default" in parameter
        }
        values = {**defaults, **given, **PSEUDO}
        looped = expand_language_extensions(copy.deepcopy(TEMPLATE), parameter_values=values, enabled=True)
        template = looped.expanded_template
        # `sam deploy` uploads the package and writes where it is; the transform wants to see that.
        template["Resources"]["Responder"]["Properties"]["CodeUri"] = "s3://bucket/responder.zip"
        translator = Translator(
            managed_policy_map={}, sam_parser=Parser(), boto_session=boto3.Session(region_name=REGION)
        )
        self.template = translator.translate(template, values)
        self.conditions = self.template.get("Conditions", {})
        self.resources = {
            name: resource
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self._holds(self.conditions[resource["Condition"]])
        }

    def _holds(self, condition) -> bool:
        if isinstance(condition, bool):
            return condition
        ((function, arguments),) = condition.items()
        match function:
            case "Fn::Equals":
                left, right = arguments
                assert not isinstance(left, dict | list) and not isinstance(right, dict | list), condition
                return str(left) == str(right)
            case "Fn::Not":
                return not self._holds(arguments[0])
            case "Fn::And":
                return all(map(self._holds, arguments))
            case "Condition":
                return self._holds(self.conditions[arguments])
        raise AssertionError(f"this condition is new to the tests: {condition}")

    def of_type(self, kind: str) -> dict[str, dict]:
        """The properties of every resource of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def only(self, kind: str) -> dict:
        (properties,) = self.of_type(kind).values()
        return properties

    def statements(self) -> list[dict]:
        """What the responder's role may do, and may never do."""
        policies = [*self.only("AWS::IAM::Role")["Policies"], *self.of_type("AWS::IAM::ManagedPolicy").values()]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def environment(self) -> dict[str, object]:
        return self.only("AWS::Lambda::Function")["Environment"]["Variables"]


def listed(value) -> list:
    """IAM takes one value or a list of them."""
    return value if isinstance(value, list) else [value]
