#!/usr/bin/env python3
"""Vectors of Slack's signatures, good and bad, with what Slack's own libraries say of each.

A vector is valid if its timestamp is 1 to 12 digits and nothing else, is at most 300 seconds off, and its signature is
`v0=` with the HMAC in 64 lower-case digits, of the raw bytes, under any of the secrets. Where a library thinks otherwise,
`why` says so. test_signatures.py asks the libraries.

Prints the vectors: tests/slack/signatures.py > tests/fixtures/signatures.json
"""

import base64
import hashlib
import hmac
import json
import sys
import unicodedata
from dataclasses import asdict, dataclass
from itertools import groupby
from urllib.parse import quote

NOW = 1531420618
STAMP = str(NOW)
SECRET, OTHER, THIRD = "8f742231b10e8888abcd99yyyzzz85a5", "0123456789abcdef0123456789abcdef", "e6b19c573432dcc6b075501d51b51bb8"
# The example of Slack's documentation, "Verifying requests from Slack".
REFERENCE = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
REFERENCE_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
ACCEPT, REFUSE, RAISE = "accept", "refuse", "raise"

# Why a library thinks otherwise.
FUTURE = "bolt looks for old timestamps only"
NUMBER = "bolt reads the timestamp with Number() and signs what comes out"
INT = "slack_sdk reads the timestamp with int()"
ASCII = "bolt reads a body in base64 as ASCII"
VERSION = "bolt takes the version out of the signature itself, and looks at nothing after a second ="


@dataclass
class Vector:
    name: str
    secrets: list[str]
    now: int
    timestamp: str | None
    # In base64.
    body: str
    signature: str | None
    valid: bool
    # With each of the secrets: `accept` if it accepts with one of them.
    slack_sdk: str
    # Of the body in base64, as API Gateway hands over a form.
    bolt: str
    # Of the body as text; null if it is none.
    bolt_text: str | None
    why: str | None


def form(text: str) -> bytes:
    return b"payload=" + quote(json.dumps({"type": "block_actions", "text": text}), safe="").encode()


BODY = form("Approve")


def signed(body: bytes = BODY, stamp: str = STAMP, secret: str = SECRET, version: str = "v0") -> str:
    base = f"{version}:{stamp}:".encode() + body
    return f"{version}={hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}"


SIGNATURE = signed()
DIGITS = SIGNATURE.removeprefix("v0=")


def vector(name: str, *, valid: bool, sdk: str | None = None, bolt: str | None = None, text: str | None = None, **more) -> Vector:
    """What is not said is as in a good request; a library that is not said is right, and bolt reads a text no
    differently."""
    body, stamp = more.get("body", BODY), more.get("timestamp", STAMP)
    right = ACCEPT if valid else REFUSE
    return Vector(
        name=name,
        secrets=more.get("secrets", [SECRET]),
        now=NOW,
        timestamp=stamp,
        body=base64.b64encode(body).decode(),
        signature=more["signature"] if "signature" in more else signed(body, stamp),
        valid=valid,
        slack_sdk=sdk or right,
        bolt=bolt or right,
        bolt_text=(text or bolt or right) if is_text(body) else None,
        why=more.get("why"),
    )


def is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def good() -> list[Vector]:
    return [
        vector("the example of Slack's documentation", valid=True, body=REFERENCE, signature=REFERENCE_SIGNATURE),
        vector("an interaction", valid=True),
        vector("an empty body", valid=True, body=b""),
        vector("a body of one byte", valid=True, body=b"a"),
        vector("a body of many blocks of the hash", valid=True, body=b"text=" + b"x" * 2_000),
        vector("a body that ends with a line", valid=True, body=b"a=b\r\n"),
        vector("a secret that is longer than a block of the hash", valid=True, **under("s" * 65)),
        vector("a secret of one character", valid=True, **under("s")),
        vector("a secret that is not ASCII", valid=True, **under("gehëim")),
    ]


def under(secret: str) -> dict:
    return {"secrets": [secret], "signature": signed(secret=secret)}


def bodies_that_are_not_ascii() -> list[Vector]:
    bodies = {
        "an umlaut, not encoded": "text=Störung".encode(),
        "an emoji, not encoded": "text=🚨".encode(),
        "a line separator of Unicode": "text=a\u2028b".encode(),
        "a byte order mark": "\ufefftext=a".encode(),
        "letters with marks apart": unicodedata.normalize("NFD", "text=Störung").encode(),
        "text from right to left": "text=\u202eadmin".encode(),
    }
    found = [vector(name, valid=True, body=body, bolt=REFUSE, text=ACCEPT, why=ASCII) for name, body in bodies.items()]
    encoded = [
        vector("an umlaut, encoded", valid=True, body=form("Störung")),
        vector("an emoji, encoded", valid=True, body=form("🚨")),
        vector("a zero byte", valid=True, body=b"text=a\x00b"),
    ]
    why = f"slack_sdk decodes the body; {ASCII}"
    broken = [
        vector("bytes that are no UTF-8", valid=True, body=b"text=\xff\xfe", sdk=RAISE, bolt=REFUSE, why=why),
        vector("an umlaut in Latin-1", valid=True, body="text=Störung".encode("latin-1"), sdk=RAISE, bolt=REFUSE, why=why),
    ]
    return found + encoded + broken


def times() -> list[Vector]:
    near = [vector(f"{off:+} seconds", valid=True, timestamp=str(NOW + off)) for off in (-300, -299, -1, 1, 299, 300)]
    past = [vector(f"{off:+} seconds", valid=False, timestamp=str(NOW + off)) for off in (-301, -302, -3_600, -86_400)]
    future = [
        vector(f"{off:+} seconds", valid=False, timestamp=str(NOW + off), bolt=ACCEPT, why=FUTURE)
        for off in (301, 302, 3_600, 86_400)
    ]
    return near + past + future + [
        vector("the beginning of time", valid=False, timestamp="0"),
        vector("a second after it", valid=False, timestamp="1"),
        vector("twelve digits", valid=False, timestamp="999999999999", bolt=ACCEPT, why=FUTURE),
        vector("milliseconds: thirteen digits", valid=False, timestamp=f"{NOW}000", bolt=ACCEPT, why=FUTURE),
    ]


def timestamps_that_are_none() -> list[Vector]:
    def of(name: str, stamp: str, **more) -> Vector:
        return vector(name, valid=False, timestamp=stamp, **more)

    def over_number(name: str, stamp: str, sdk: str) -> Vector:
        """Signed as bolt reads it: what it makes of the text, not the text."""
        more = {"signature": signed(stamp=STAMP), "bolt": ACCEPT, "why": NUMBER}
        return of(f"{name}, signed over the number", stamp, sdk=sdk, **more)

    spaced = {
        "a space before": f" {STAMP}",
        "a space behind": f"{STAMP} ",
        "a line behind": f"{STAMP}\n",
        "a tab before": f"\t{STAMP}",
        "a plus": f"+{STAMP}",
        "thirteen digits with zeros in front": STAMP.zfill(13),
    }
    found = [of(name, stamp, sdk=ACCEPT, why=INT) for name, stamp in spaced.items()]
    found += [over_number(name, stamp, REFUSE) for name, stamp in spaced.items()]
    numbers = {"a decimal point": f"{STAMP}.0", "an exponent": "1.531420618e9", "hexadecimal digits": hex(NOW)}
    found += [of(name, stamp, sdk=RAISE, why=f"{INT}, which raises") for name, stamp in numbers.items()]
    found += [over_number(name, stamp, RAISE) for name, stamp in numbers.items()]
    infinite = of("without end", "Infinity", sdk=RAISE, bolt=ACCEPT, why=f"{INT}, which raises; {NUMBER}; {FUTURE}")
    return found + [
        infinite,
        of("letters", "abc", sdk=RAISE, why=f"{INT}, which raises"),
        of("nothing", "", sdk=RAISE, why=f"{INT}, which raises"),
        of("a space alone", " ", sdk=RAISE, why=f"{INT}, which raises"),
        of("a minus", f"-{STAMP}"),
        of("underscores", "1_531_420_618", sdk=ACCEPT, why=INT),
        of("digits of another script", "".join(chr(ord(digit) + 0xFEE0) for digit in STAMP), sdk=ACCEPT, why=INT),
        of("two of them", f"{STAMP},{STAMP}", sdk=RAISE, why=f"{INT}, which raises"),
        of("two of them with a space", f"{STAMP}, {STAMP}", sdk=RAISE, why=f"{INT}, which raises"),
        of("none at all", None, signature=SIGNATURE),
        # Slack sends none, and nothing is wrong with them: what is signed is the text as it is.
        vector("a zero in front", valid=True, timestamp=f"0{STAMP}", bolt=REFUSE, why=NUMBER),
        vector("twelve digits with zeros in front", valid=True, timestamp=STAMP.zfill(12), bolt=REFUSE, why=NUMBER),
    ]


def signatures_that_are_none() -> list[Vector]:
    def of(name: str, signature: str | None, **more) -> Vector:
        return vector(name, valid=False, signature=signature, **more)

    plain = hashlib.sha256(f"v0:{STAMP}:".encode() + BODY).hexdigest()
    weak = hmac.new(SECRET.encode(), f"v0:{STAMP}:".encode() + BODY, hashlib.sha1).hexdigest()
    return [
        of("none at all", None),
        of("nothing", ""),
        of("v0= alone", "v0="),
        of("without v0=", DIGITS),
        of("with another sign", f"v0:{DIGITS}"),
        of("with V0=", f"V0={DIGITS}"),
        of("v1= before the digits of v0", f"v1={DIGITS}"),
        of("v1=, signed as v1", signed(version="v1"), bolt=ACCEPT, why=VERSION),
        of("an empty version, signed as such", signed(version=""), bolt=ACCEPT, why=VERSION),
        of("upper-case digits", f"v0={DIGITS.upper()}"),
        of("one digit in upper case", f"v0={one_upper(DIGITS)}"),
        of("63 digits", f"v0={DIGITS[:-1]}"),
        of("65 digits", f"v0={DIGITS}0"),
        of("half the digits", f"v0={DIGITS[:32]}"),
        of("twice the digits", f"v0={DIGITS}{DIGITS}"),
        of("a letter that is no digit", f"v0={DIGITS[:-1]}g"),
        of("a letter that is not ASCII", f"v0={DIGITS[:-1]}é", sdk=RAISE, why="slack_sdk compares ASCII only, or raises"),
        of("the last digit wrong", f"v0={DIGITS[:-1]}{'0' if DIGITS[-1] != '0' else '1'}"),
        of("zeros", f"v0={'0' * 64}"),
        of("a space before", f" {SIGNATURE}"),
        of("a space behind", f"{SIGNATURE} "),
        of("a line behind", f"{SIGNATURE}\n"),
        of("something behind another =", f"{SIGNATURE}=junk", bolt=ACCEPT, why=VERSION),
        of("two of them", f"{SIGNATURE},{SIGNATURE}"),
        of("two of them, the first wrong", f"v0={'0' * 64},{SIGNATURE}"),
        of("in base64", "v0=" + base64.b64encode(bytes.fromhex(DIGITS)).decode()),
        of("without a key", f"v0={plain}"),
        of("of SHA-1", f"v0={weak}"),
        of("of another secret", signed(secret=OTHER)),
        of("of the secret with a line behind", signed(secret=SECRET + "\n")),
        of("of no secret", signed(secret="")),
        of("of another second", signed(stamp=str(NOW - 1))),
        of("of the body alone", signed(stamp="")),
    ]


def one_upper(digits: str) -> str:
    """With the first letter among the digits in upper case."""
    at = next(index for index, digit in enumerate(digits) if digit.isalpha())
    return digits[:at] + digits[at].upper() + digits[at + 1 :]


def bodies_that_were_changed() -> list[Vector]:
    def of(name: str, body: bytes, signed_body: bytes = BODY, **more) -> Vector:
        return vector(f"a body with {name}", valid=False, body=body, signature=signed(signed_body), **more)

    return [
        of("a byte more", BODY + b"&"),
        of("a line behind", BODY + b"\n"),
        of("a byte less", b"a=b", b"a=bc"),
        of("another field", BODY + b"&approve=1"),
        of("other case in its encoding", BODY.lower(), BODY),
        of("a plus for a space", b"text=a+b", b"text=a%20b"),
        of("marks joined with their letters", "text=Störung".encode(), unicodedata.normalize("NFD", "text=Störung").encode()),
        of("nothing in it", b""),
        of("its order changed", b"b=2&a=1", b"a=1&b=2"),
        of("its encoding taken off", json.dumps({"text": "Approve"}).encode()),
        of("ssl_check in it", b"ssl_check=1&token=x", bolt=ACCEPT, why="bolt answers ssl_check before it looks at the signature"),
    ]


def rotated() -> list[Vector]:
    return [
        vector("two secrets, of the first", valid=True, secrets=[SECRET, OTHER]),
        vector("two secrets, of the second", valid=True, secrets=[OTHER, SECRET]),
        vector("three secrets, of the last", valid=True, secrets=[OTHER, THIRD, SECRET]),
        vector("the same secret twice", valid=True, secrets=[SECRET, SECRET]),
        vector("two secrets, of neither", valid=False, secrets=[OTHER, THIRD]),
        vector("two secrets, of both joined", valid=False, secrets=[SECRET, OTHER], signature=signed(secret=SECRET + OTHER)),
        vector("a secret that was taken away", valid=False, secrets=[OTHER]),
    ]


GROUPS = {
    "good": good,
    "not ASCII": bodies_that_are_not_ascii,
    "time": times,
    "timestamp": timestamps_that_are_none,
    "signature": signatures_that_are_none,
    "body": bodies_that_were_changed,
    "rotation": rotated,
}


def vectors() -> list[dict]:
    found = [asdict(one) | {"name": f"{group}: {one.name}"} for group, make in GROUPS.items() for one in make()]
    names = sorted(one["name"] for one in found)
    if twice := [name for name, same in groupby(names) if len(list(same)) > 1]:
        raise ValueError(f"there are two of {', '.join(twice)}")
    return found


def written() -> str:
    return json.dumps(vectors(), indent=2, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
