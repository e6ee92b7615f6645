#!/usr/bin/env python3
"""As much of the AWS CLI, version 2, as the commands of the runbook need: `aws SERVICE OPERATION --OPTIONS`.

The tools bring no AWS CLI, and whichever one a machine has differs. This one knows no command: what an
option is called and what it takes comes from the same models that AWS' own is made of.
"""

import json
import os
import sys
from pathlib import Path

import boto3

# Options of the CLI itself.
OWN = {"output", "cli-binary-format"}


def main(service: str, operation: str, *words: str) -> None:
    client = boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    method = operation.replace("-", "_")
    shapes = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape.members
    names = {name.lower(): name for name in shapes}
    arguments, files, left = {}, [], list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            files.append(word)
            continue
        option, value = word[2:], left.pop(0)
        if option in OWN:
            continue
        name = names[option.replace("-", "")]
        if value.startswith("file://"):
            value = Path(value.removeprefix("file://")).read_bytes()
        match shapes[name].type_name:
            case "integer":
                value = int(value)
            case "list":
                value = [value]
        arguments[name] = value
    answer = getattr(client, method)(**arguments)
    del answer["ResponseMetadata"]
    if files:
        Path(files[0]).write_bytes(answer.pop("Payload").read())
    if answer:  # the CLI writes nothing about nothing
        print(json.dumps(answer, indent=4, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
