#!/usr/bin/env python3
"""Compares `eks-access explain` with a Python script that does the same with regular expressions.

Both read the same 200 MB of authenticator lines (88 % granted logins, 10 % STS responses, 2 % denials of five kinds),
in turns, and count who was refused why. The script reads each line's pairs with one compiled expression, quotes and
escapes included, for a search of the raw line would believe text that a caller wrote. Beside it, for what it is worth,
stands one that only searches.

usage: tests/bench/explain.py target/release/eks-access
"""

import os
import platform
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter

SIZE = 200_000_000
RUNS = 5
FACTOR = 10

PAIR = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^ "]*)')
KINDS = [
    (re.compile(r"^(?:arn|identity) is not mapped$", re.I), "not-mapped"),
    (re.compile(r"^input token was not properly formatted: token is missing expected", re.I), "token-not-iam"),
    (re.compile(r"^input token was not properly formatted: x-amz-date parameter is expired", re.I), "token-expired"),
    (re.compile(r'^sts getcalleridentity failed: .*"Code":"ExpiredToken"', re.I), "sts-expired-credentials"),
    (re.compile(r'^sts getcalleridentity failed: .*"Code":"SignatureDoesNotMatch"', re.I), "sts-signature-mismatch"),
]
MESSAGE = re.compile(r'msg="([^"]*)"')
ERROR = re.compile(r'error="((?:[^"\\]|\\.)*)"')
ARN = re.compile(r' arn="([^"]+)"')


def kind(error):
    return next((slug for expression, slug in KINDS if expression.search(error)), "unknown-denial")


def parse(path):
    """The script: every pair of every line."""
    counts = Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            pairs = dict(PAIR.findall(line))
            message = pairs.get("msg", "").strip('"')
            if message == "access denied":
                error = pairs.get("error", "").strip('"').replace('\\"', '"')
                counts[kind(error), pairs.get("arn", "").strip('"')] += 1
            else:
                counts[message] += 1
    return counts


def search(path):
    """Only searches; forged text in a line deceives it."""
    counts = Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            message = MESSAGE.search(line)
            if message and message[1] == "access denied":
                error, arn = ERROR.search(line), ARN.search(line)
                counts[kind(error[1].replace('\\"', '"') if error else ""), arn[1] if arn else ""] += 1
            else:
                counts[message and message[1]] += 1
    return counts


def write(path):
    draw = random.Random(1)
    sts = "sts getCallerIdentity failed: error from AWS (expected 200, got 403) on eu-west-1 endpoint. Body: "
    body = '{\\"Error\\":{\\"Code\\":\\"%s\\",\\"Message\\":\\"no\\",\\"Type\\":\\"Sender\\"},\\"RequestId\\":\\"5c7d2f0a\\"}'
    token = "input token was not properly formatted: "
    errors = [
        "Identity is not mapped",
        token + 'token is missing expected \\"k8s-aws-v1.\\" prefix',
        token + "X-Amz-Date parameter is expired (15 minute expiration) 2026-11-21 21:56:14 +0000 UTC",
        sts + body % "ExpiredToken",
        sts + body % "SignatureDoesNotMatch",
    ]
    size = number = 0
    with open(path, "w", encoding="utf-8") as out:
        while size < SIZE:
            number += 1
            head = f'time="2026-11-21T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"'
            role, port, chance = f"role{draw.randrange(200):03}", draw.randrange(30000, 60000), draw.random()
            tail = f'client="127.0.0.1:{port}" '
            if chance < 0.88:
                line = (
                    f'{head} level=info msg="access granted" arn="arn:aws:iam::111122223333:role/{role}" {tail}'
                    'groups="[system:bootstrappers system:nodes]" method=POST path=/authenticate '
                    f'stsendpoint=sts.eu-west-1.amazonaws.com uid="aws-iam-authenticator:111122223333:AROA{port}EXAMPLE" '
                    f'username="system:node:ip-10-0-1-{port % 255}.eu-west-1.compute.internal"'
                )
            elif chance < 0.98:
                line = (
                    f'{head} level=info msg="STS response" accesskeyid=ASIA{port}EXAMPLE accountid=111122223333 '
                    f'arn="arn:aws:sts::111122223333:assumed-role/{role}/jo@example.com" {tail}method=POST '
                    f'path=/authenticate session=jo@example.com userid=AROA{port}EXAMPLE'
                )
            else:
                error = draw.choice(errors)
                arn = f'arn="arn:aws:iam::111122223333:role/{role}" ' if error == errors[0] else ""
                line = f'{head} level=warning msg="access denied" {arn}{tail}error="{error}" method=POST path=/authenticate'
            out.write(line + "\n")
            size += len(line) + 1
    return number


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "authenticator.log")
        lines = write(path)
        assert parse(path) == search(path), "the two scripts disagree"
        rows = {"eks-access explain": [], "Python, every pair parsed": [], "Python, searches only": []}
        for _ in range(RUNS):
            explain = lambda: subprocess.run([binary, "explain", path], stdout=subprocess.DEVNULL, check=False)
            rows["eks-access explain"].append(timed(explain))
            rows["Python, every pair parsed"].append(timed(lambda: parse(path)))
            rows["Python, searches only"].append(timed(lambda: search(path)))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{SIZE // 1_000_000} MB, {lines:,} lines; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}\n")
    print("| what | median | spread | runs |\n|---|---:|---:|---:|")
    for name, times in rows.items():
        print(f"| {name} | {statistics.median(times):.2f} s | {min(times):.2f} to {max(times):.2f} | {RUNS} |")
    factor = statistics.median(rows["Python, every pair parsed"]) / statistics.median(rows["eks-access explain"])
    print(f"\n{factor:.1f} times as fast as the script (target: {FACTOR}); peak memory {peak:.1f} MiB (target: 24)")
    return 0 if factor >= FACTOR and peak < 24 else 1


if __name__ == "__main__":
    sys.exit(main())
