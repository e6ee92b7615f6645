#!/usr/bin/env python3
"""Puts lines into the log of the cluster that `make local` keeps.

    send.py 'LINE' ['LINE' …]     these lines, as one delivery
    send.py -                     the lines of standard input, as one delivery
"""

import json
import sys
import time
from pathlib import Path

import boto3

ENDPOINTS = Path(__file__).resolve().parents[2] / "target/local/endpoints.json"


def main(arguments: list[str]) -> None:
    if not arguments:
        sys.exit(__doc__)
    if not ENDPOINTS.is_file():
        sys.exit("nothing to send to; start `make local` in another terminal and leave it running")
    stack = json.loads(ENDPOINTS.read_text())
    lines = sys.stdin.read().splitlines() if arguments == ["-"] else arguments
    lines = [line for line in lines if line.strip()]
    if not lines:
        sys.exit("no line to send")
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
    main(sys.argv[1:])
