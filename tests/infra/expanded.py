"""The stack as CloudFormation would make it.

The template is a loop, a transform and conditions; what a reviewer must know is what comes out of
them. AWS' own code expands it here, the same that `sam` runs: first AWS::LanguageExtensions, then the
Serverless transform. Nothing is asked of an AWS account.

The nested templates have no transform. What is left in any of the three, references and functions, `Made`
resolves, as if every resource were called like its logical id.
"""

import copy
import functools
import re
import subprocess
from pathlib import Path

import boto3
from samcli.lib.cfn_language_extensions import expand_language_extensions
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = yaml_parse((ROOT / "infra/sam/template.yaml").read_text())
APPROVALS = yaml_parse((ROOT / "infra/sam/approvals.yaml").read_text())

REGION, ACCOUNT, STACK = "eu-west-1", "111122223333", "eks-access-responder"
PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


class Resources:
    """What a template makes."""

    resources: dict[str, dict]

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


class Stack(Resources):
    """One expansion, with the resources whose condition holds."""

    def __init__(self, **parameters):
        given = {"Clusters": "prod", **parameters}
        defaults = {
            name: parameter["Default"]
            for name, parameter in TEMPLATE["Parameters"].items()
            if "Default" in parameter
        }
        values = self.values = {**defaults, **given, **PSEUDO}
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

    def statements(self) -> list[dict]:
        """What the responder's role may do, and may never do."""
        policies = [*self.only("AWS::IAM::Role")["Policies"], *self.of_type("AWS::IAM::ManagedPolicy").values()]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def environment(self) -> dict[str, object]:
        return self.only("AWS::Lambda::Function")["Environment"]["Variables"]


NO_VALUE = object()
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{}}-AbCdEf",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
}
REFERENCE_IS_ARN = {"AWS::SecretsManager::Secret", "AWS::SNS::Topic"}


class Made(Resources):
    """A template whose transforms are done, with these parameters; nothing in it is left to resolve."""

    def __init__(self, template: dict, values: dict, outputs: dict[str, dict] | None = None):
        """`outputs` are those of nested stacks, by logical id."""
        self.template, self.of_nested = template, outputs or {}
        self.parameters = template.get("Parameters", {})
        missing = {name for name in self.parameters if name not in values and "Default" not in self.parameters[name]}
        assert not missing, missing
        self.values = {
            **{name: one["Default"] for name, one in self.parameters.items() if "Default" in one},
            **PSEUDO,
            **values,
        }
        self.resources = {
            name: {**resource, "Properties": self.resolved(resource.get("Properties", {}))}
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }
        self.outputs = {
            name: self.resolved(output["Value"])
            for name, output in template.get("Outputs", {}).items()
            if "Condition" not in output or self.holds(output["Condition"])
        }

    def holds(self, name: str) -> bool:
        return self.resolved(self.template["Conditions"][name])

    def resolved(self, value):
        match value:
            case list():
                return [one for one in map(self.resolved, value) if one is not NO_VALUE]
            case dict() if len(value) == 1 and (function := next(iter(value))).startswith(("Fn::", "Ref", "Condition")):
                found = self._call(function, value[function])
                return value if found is None else found
            case str():
                return self._filled(value)
            case dict():
                every = {key: self.resolved(one) for key, one in value.items()}
                return {key: one for key, one in every.items() if one is not NO_VALUE}
        return value

    def _filled(self, text: str) -> str:
        """The expansion of the main template leaves `Fn::Sub` out where it cannot fill everything in."""
        own = self.template["Resources"]
        return re.sub(
            r"\$\{(\w+)([\w.]*)\}", lambda m: self._named(m[1] + m[2]) if m[1] in own else m[0], text
        ) if "${" in text else text

    def _call(self, function: str, argument):
        match function:
            case "Ref":
                return self._reference(argument)
            case "Condition" if isinstance(argument, str):
                return self.holds(argument)
            case "Fn::GetAtt":
                return self._attribute(*(argument.split(".", 1) if isinstance(argument, str) else argument))
            case "Fn::Sub":
                text, given = argument if isinstance(argument, list) else (argument, {})
                names = self.resolved(given)
                return re.sub(r"\$\{([\w:.]+)\}", lambda m: names.get(m[1]) or self._named(m[1]), text)
            case "Fn::If":
                condition, then, otherwise = argument
                return self.resolved(then if self.holds(condition) else otherwise)
        match function, self.resolved(argument):
            case "Fn::Join", (between, parts):
                return between.join(map(str, parts))
            case "Fn::Split", (between, text):
                return text.split(between)
            case "Fn::Equals", (left, right):
                return str(left) == str(right)
            case "Fn::Not", (condition,):
                return not condition
            case "Fn::And", conditions:
                return all(conditions)
            case "Fn::Or", conditions:
                return any(conditions)
        return None

    def _named(self, name: str) -> str:
        return str(self._attribute(*name.split(".", 1)) if "." in name else self._reference(name))

    def _reference(self, name: str):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.values:
            value = self.values[name]
            is_list = self.parameters.get(name, {}).get("Type") == "CommaDelimitedList"
            return value.split(",") if is_list and isinstance(value, str) else value
        resource = self.template["Resources"][name]
        if resource["Type"] in REFERENCE_IS_ARN:
            return self._attribute(name, "Arn")
        return self.resolved(resource["Properties"]).get("LogGroupName", name) if "LogGroup" in resource["Type"] else name

    def _attribute(self, name: str, attribute: str):
        kind = self.template["Resources"][name]["Type"]
        if attribute == "Arn":
            return ARNS[kind].format(self._reference(name) if kind not in REFERENCE_IS_ARN else name)
        if attribute.startswith("Outputs."):
            return self.of_nested.get(name, {}).get(attribute.removeprefix("Outputs."), f"{name}.{attribute}")
        return f"{name}.{attribute}"

    def policies(self, role: str) -> dict[str, dict]:
        """The policies that this template gives a role, by name."""
        named = {
            f"{name} {policy['PolicyName']}": policy["PolicyDocument"]
            for name, properties in self.of_type("AWS::IAM::Role").items()
            if name == role
            for policy in properties["Policies"]
        }
        attached = {
            name: properties["PolicyDocument"]
            for name, properties in self.of_type("AWS::IAM::ManagedPolicy").items()
            if role in properties["Roles"]
        }
        return named | attached


@functools.cache
def guardrails_template(path: str = "tests/infra/guardrails.toml") -> dict:
    """What `eks-access` makes of a guardrails file."""
    command = [ROOT / "target/debug/eks-access", "policy", "template", ROOT / path]
    return yaml_parse(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


class Installation:
    """The main stack with its nested ones, and what each gives to the others."""

    def __init__(self, **parameters):
        stack = Stack(**{"Approvals": "on", "Clusters": "demo,staging", **parameters})
        alone = Made(stack.template, stack.values)
        given = alone.resources["ApprovalsStack"]["Properties"]["Parameters"]
        self.approvals = Made(APPROVALS, given)
        passed_on = self.approvals.resources["Guardrails"]["Properties"]["Parameters"]
        self.guardrails = Made(guardrails_template(), passed_on)
        self.approvals = Made(APPROVALS, given, {"Guardrails": self.guardrails.outputs})
        self.main = Made(stack.template, stack.values, {"ApprovalsStack": self.approvals.outputs})

    def policies(self, role: str) -> dict[str, dict]:
        """Everything that a role has, by name."""
        return {
            name: policy
            for made in (self.main, self.approvals, self.guardrails)
            for name, policy in made.policies(role).items()
        }

def listed(value) -> list:
    """IAM takes one value or a list of them."""
    return value if isinstance(value, list) else [value]
