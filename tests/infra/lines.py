"""What an EKS authenticator writes, one example of every wording that releases v0.1 to v0.7 have.

Written from the source of kubernetes-sigs/aws-iam-authenticator. The line format is logrus': text, and
JSON where somebody turned that on.
"""

import json

ARN = "arn:aws:iam::111122223333:role/developer"
TAIL = {"client": "127.0.0.1:40418", "method": "POST", "path": "/authenticate"}


def text_line(level: str, message: str, **fields: str) -> str:
    def go_quoted(value: str) -> str:
        bare = value and all(c.isalnum() or c in "-._/@^+" for c in value)
        return value if bare else json.dumps(value, ensure_ascii=False)

    pairs = {"level": level, "msg": message, **dict(sorted(fields.items()))}
    return 'time="2026-11-21T10:00:00Z" ' + " ".join(f"{key}={go_quoted(value)}" for key, value in pairs.items())


def json_line(level: str, message: str, **fields: str) -> str:
    pairs = {**fields, "level": level, "msg": message, "time": "2026-11-21T10:00:00Z"}
    return json.dumps(dict(sorted(pairs.items())), separators=(",", ":"), ensure_ascii=False)


def both(level: str, message: str, **fields: str) -> list[str]:
    return [text_line(level, message, **fields), json_line(level, message, **fields)]


NOT_MAPPED = [
    "ARN is not mapped: arn:aws:iam::111122223333:role/developer",
    "ARN is not mapped",
    "Identity is not mapped",
    "identity is not mapped",
]

MAPPING_ERRORS = [
    "failed mapping username: SessionName did not contain an instance id",
    "failed mapping group: failed to find node i-0abc1234def567890 ",
    'mapper EKSConfigMap renderTemplates error: error rendering username template "system:node:{{EC2PrivateDNSName}}": '
    "failed querying private DNS from EC2 API for node i-0abc1234def567890: operation error EC2: DescribeInstances, "
    "https response error StatusCode: 403, RequestID: 0a1b, api error UnauthorizedOperation: You are not authorized ",
    'mapper DynamicFile renderTemplates error: error rendering username template "system:node:{{EC2PrivateDNSName}}": '
    "failed to find node i-0abc1234def567890 in PrivateDNSNameCache returning from loop",
    "mapper DynamicFile Map error: ARN does not match User ID",
    "invalid username 'system:admin' for mapper DynamicFile: username must not begin with with the following prefixes: "
    "[system: eks: aws: amazon: iam:]",
    "[mapper CRD Map error: no such key, ARN is not mapped]",
]

TOKEN_ERRORS = [
    f"input token was not properly formatted: {tail}"
    for tail in [
        'token is missing expected "k8s-aws-v1." prefix',
        "token is too large",
        "illegal base64 data at input byte 4",
        'parse "https://sts.us-west-2.amazonaws.com/%zz": invalid URL escape "%zz"',
        'unexpected scheme "http" in pre-signed URL',
        'unexpected hostname "vpce-0a1b.sts.us-west-2.vpce.amazonaws.com" in pre-signed URL',
        "could not parse region for pre-signed URL localhost, invalid host format: localhost",
        "global endpoint unsupported in partition aws-cn",
        "unexpected path in pre-signed URL",
        "malformed query parameter",
        'duplicate query parameter found: "action"',
        'non-whitelisted query parameter "X-Amz-User-Agent"',
        "unexpected action parameter in pre-signed URL",
        "client did not sign the x-k8s-aws-id header in the pre-signed URL",
        "invalid X-Amz-Expires parameter in pre-signed URL: 3600",
        "X-Amz-Date parameter must be present in pre-signed URL",
        "X-Amz-Date parameter is expired (15 minute expiration) 2026-11-21 09:00:00 +0000 UTC",
    ]
]

STS_ERRORS = [
    "sts getCallerIdentity failed: error from AWS (expected 200, got 403)",
    "sts getCallerIdentity failed: error from AWS (expected 200, got 403). Body: "
    '{"Error":{"Code":"ExpiredToken","Message":"The security token included in the request is expired","Type":"Sender"}}',
    "sts getCallerIdentity failed: error from AWS (expected 200, got 403) on us-west-2 endpoint. Body: "
    '{"Error":{"Code":"SignatureDoesNotMatch","Message":"Signature expired: 20261121T100000Z is now earlier than …"}}',
    "sts getCallerIdentity failed: error from AWS (expected 200, got 503) on us-west-2 endpoint. Body: "
    "<ServiceUnavailableException/>\n",
    "sts getCallerIdentity failed: error during GET: dial tcp 52.94.177.10:443: i/o timeout on us-west-2 endpoint",
    "sts getCallerIdentity failed: invalid character '<' looking for beginning of value",
    "sts getCallerIdentity failed: arn '' is invalid: 'arn: invalid prefix'",
    "sts getCallerIdentity was throttled: Rate exceeded",
]

DENIALS = [
    *(
        line
        for error in [*NOT_MAPPED, *MAPPING_ERRORS]
        for line in both("warning", "access denied", arn=ARN, error=error, **TAIL)
    ),
    *(
        line
        for error in [*TOKEN_ERRORS, *STS_ERRORS]
        for line in both("warning", "access denied", error=error, **TAIL)
    ),
    # before v0.3
    *both("warning", "access denied because ARN is not mapped", arn=ARN, **TAIL),
    # cut off, and with what a container runtime or a terminal puts around a line
    text_line("warning", "access denied", error="input token was not")[:-1],
    "2026-11-21T10:00:00.123456789Z stdout F " + text_line("warning", "access denied", error="x", **TAIL),
    f'WARN[0042] access denied                                 arn="{ARN}" error="ARN is not mapped"',
]

IDENTITIES = [
    *both(
        "info", "STS response", accesskeyid="ASIAIOSFODNN7EXAMPLE", accountid="111122223333",
        arn="arn:aws:sts::111122223333:assumed-role/developer/jane@example.com", session="jane@example.com",
        stsendpoint="sts.us-west-2.amazonaws.com", userid="AROA1234567890EXAMPLE", **TAIL,
    ),
    *both(
        "info", "STS response", accountid="111122223333", arn="arn:aws:iam::111122223333:user/ci", session="",
        userid="AIDA1234567890EXAMPLE", **TAIL,
    ),
]  # fmt: skip

FAULTS = [
    *both("warning", "Errors parsing configmap: [yaml: line 13: did not find expected key]"),
    *both(
        "error", "There was an error parsing the config maps.  Only saving data that was good, "
        "error parsing config map: [yaml: line 13: did not find expected key]",
    ),
    *both("error", "error parsing config map: [yaml: line 13: did not find expected key]"),
    *both("info", "Resetting configmap on delete"),
    *both("error", "recieved a watch error"),
    *both("error", "received a watch error: too old resource version"),
    *both("error", "Unable to re-establish watch: connection refused, sleeping for 5 seconds."),
    *both("error", "Watch channel closed."),
    *both("warning", "Watch channel closed. Reconnecting..."),
    *both("error", "ParseMap: could not unmarshal dynamic file."),
    *both("warning", "ParseMap: Errors parsing dynamic file: [bad arn]"),
    *both(
        "error", "Batch call failed querying private DNS from EC2 API for nodes [i-0abc1234def567890] : with error = "
        "[]operation error EC2: DescribeInstances, api error UnauthorizedOperation: You are not authorized ",
    ),
    *both("error", "unexpected request method", **TAIL),
    *both("error", "empty request body", **TAIL),
    *both("error", "could not parse request body", error="EOF", **TAIL),
    *both(
        "info", "http: TLS handshake error from 127.0.0.1:59466: remote error: tls: bad certificate", http="error"
    ),
    *both("fatal", "could not load/generate a certificate", error="permission denied"),
    *both("fatal", "could not open TLS listener", error="address already in use"),
    *both("fatal", "http server exited"),
    text_line("fatal", "something that no release has said yet"),
    text_line("panic", "something that no release has said yet"),
]  # fmt: skip

# Every successful login writes one of these: they are the bulk of the log.
GRANTED = [
    *both("info", "access granted", arn=ARN, groups="[]", uid="aws-iam-authenticator:1:AROA", username="dev", **TAIL),
    *both(
        "info", "access granted", arn=ARN, groups="[system:masters]", stsendpoint="sts.us-west-2.amazonaws.com",
        uid="aws-iam-authenticator:111122223333:AROA1234567890EXAMPLE", username="kubernetes-admin", **TAIL,
    ),
    *both(
        "info", "access granted", arn=ARN, groups="[eks:access-denied-reviewers]", sts="sts.us-east-1.amazonaws.com",
        uid="heptio-authenticator-aws:1:AROA", username="", **TAIL,
    ),
]  # fmt: skip

ROUTINE = [
    *both("info", "Received aws-auth watch event"),
    *both("info", "LoadDynamicFile: /etc/eks/access.json is available. content is {}"),
    *both("info", "BackendMode dynamic file got changed to EKSConfigMap,DynamicFile, rebuild mapper"),
    *both("info", "Calling ec2:DescribeInstances for the InstanceId = i-0abc1234def567890 "),
    *both("info", "Making Batch Query to DescribeInstances for 12 instances "),
    *both("info", "logging latency metric for sts", Latency="12ms", Type="STS", Version="v0.7.18"),
    *both("info", "mapping IAM role", groups="[system:masters]", role=ARN, username="admin"),
    *both("info", "mapping IAM Account", accountID="111122223333"),
    *both("info", 'starting mapper "EKSConfigMap"'),
    *both("info", "listening on https://127.0.0.1:21362/authenticate"),
    *both("warning", 'warning: backend-mode "File" is deprecated, use "MountedFile" instead'),
    "I1121 10:00:00.000000       1 reflector.go:219] Starting reflector *v1.ConfigMap",
    "Authenticator Version: v0.7.18",
]

# The same log group holds the streams of other components.
OTHER_STREAMS = [
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","verb":"list","responseStatus":{"code":200}}',
    "E1121 10:00:00.000000      10 authentication.go:73] \"Unable to authenticate the request\" err=\"[invalid bearer token, unknown]\"",
    "I1121 10:00:00.000000       1 leaderelection.go:253] successfully acquired lease kube-system/kube-scheduler",
]
