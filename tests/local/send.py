#!/usr/bin/env python3
"""Puts lines into the log of the cluster that `make local` keeps.

    send.py 'LINE' ['LINE' …]     these lines, as one delivery
    send.py -                     the lines of standard input, as one delivery
    send.py --denied ROLE         the line of a refused login of a role
    send.py --granted ROLE        the line of a granted one
"""

import sys
import time

import boto3

from authenticator import granted, refused
from stack import Failure, read_endpoints


def lines_of(arguments: list[str]) -> list[str]:
    match arguments:
        case ["-"]:
            return sys.stdin.read().splitlines()
        case ["--denied", role]:
            return [refused("identity is not mapped", 40000, role)]
        case ["--granted", role]:
            return [granted(role, 40000)]
        case []:
            sys.exit(__doc__)
    return arguments


def main(arguments: list[str]) -> None:
    lines = [line for line in lines_of(arguments) if line.strip()]
    if not lines:
        sys.exit("no line to send")
    stack = read_endpoints()
    logs = boto3.client(
        "logs",
        endpoint_url=stack["endpoint"],
        region_name=stack["region"],
        aws_access_key_id=stack["credentials"]["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=stack["credentials"]["AWS_SECRET_ACCESS_KEY"],
    )
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=stack["log_group"],
        logStreamName=stack["log_stream"],
        logEvents=[{"timestamp": now + n, "message": line} for n, line in enumerate(lines)],
    )
    print(f"{len(lines)} {'line' if len(lines) == 1 else 'lines'} put into {stack['log_group']}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(str(failure))
