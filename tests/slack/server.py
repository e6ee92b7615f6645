#!/usr/bin/env python3
"""A Slack for tests, on 127.0.0.1 and a free port.

Prints its address as the first line, and ends when its standard input does, so that it never outlives the
test that started it. `/api/…` and `/services/…` are Slack's; `/control/…` is the test's:

    POST   /control/faults        what shall go wrong: [{"method": "chat.postMessage", "kind": "429", "retry_after": 1}]
    DELETE /control/faults        nothing shall go wrong any more
    POST   /control/state         what there is: {"channels": {"C0000000001": {"archived": true}}}
    GET    /control/state         the same, whole
    GET    /control/calls         every call, in order
    GET    /control/messages      what people see, by channel
    GET    /control/complaints    what Slack would refuse, and what we do not want
    GET    /control/views         every view that was opened, whose it is, and whether it is open
    POST   /control/click         somebody clicks: {"url", "channel", "ts", "action_id", "user"}
    POST   /control/submit        somebody submits a view: {"url", "view", "values", "user"}
    POST   /control/replay        the same bytes are sent once more: {"interaction": 1}
    POST   /control/trigger       a trigger, as if somebody had clicked: {"user"}
    GET    /control/interactions  what was sent to the app, and what it answered

What else a click or a submission may be told, to be late, forged or a stranger's, is in interactions.py.
"""

import contextlib
import json
import re
import socket
import sys
import threading
import time
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import faults
import interactions
from workspace import METHODS, Refusal, Workspace

WEBHOOK_PATH = re.compile(r"/services/T\w+/B\w+/\w+")
WEBHOOK_STATUS = {
    "action_prohibited": 403,
    "channel_is_archived": 410,
    "channel_not_found": 404,
    "invalid_token": 403,
    "no_service": 404,
    "no_team": 404,
    "rollup_error": 500,
}
INTERACTIONS = ("/control/click", "/control/replay", "/control/submit")
JSON, TEXT = "application/json; charset=utf-8", "text/html"


class Answer(Exception):
    """An answer that is given at once, whatever was asked."""

    def __init__(self, status: int, body: dict | list | str, **headers: str):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers


class Hang(Exception):
    """The connection ends without an answer."""


class Slack(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.workspace = Workspace(f"http://127.0.0.1:{self.server_port}")
        self.faults: list[faults.Fault] = []
        self.calls: list[dict] = []
        self.interactions: list[dict] = []

    def handle_error(self, *connection) -> None:
        """A client may go away while it waits; everything else is a mistake of ours, and is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*connection)


class Request:
    """What was sent, read as Slack reads it."""

    def __init__(self, path: str, headers: Message, body: bytes):
        address = urlsplit(path)
        self.path, self.headers, self.body = address.path, headers, body
        self.query = parse_qs(address.query)

    @property
    def token(self) -> str | None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @property
    def kind(self) -> str | None:
        return self.headers.get_content_type() if "content-type" in self.headers else None

    def arguments(self) -> dict:
        match self.kind:
            case "application/json":
                return self.json()
            case "application/x-www-form-urlencoded":
                return self.form()
            case None if self.body:
                raise Refusal("missing_post_type")
            case None:
                return {}
        raise Refusal("invalid_post_type")

    def json(self) -> dict:
        try:
            arguments = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Refusal("invalid_json") from error
        if not isinstance(arguments, dict):
            raise Refusal("json_not_object")
        return arguments

    def form(self) -> dict:
        try:
            return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}
        except ValueError as error:
            raise Refusal("invalid_form_data") from error

    def oddities(self, method: str) -> list[str]:
        """What Slack may take, but a careful client does not send."""
        known = METHODS[method]
        wrong_form = self.kind == "application/x-www-form-urlencoded" and not known.takes_forms
        wrong_json = self.kind == "application/json" and not known.takes_json
        no_charset = self.kind == "application/json" and self.headers.get_content_charset() != "utf-8"
        checks = {
            "a token is in the query string": "token" in self.query,
            "arguments are in the query string": bool(self.query.keys() - {"token"}),
            f"the content type is {self.kind}": wrong_form or wrong_json,
            "the content type has no charset=utf-8": no_charset,
        }
        return [oddity for oddity, is_so in checks.items() if is_so]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Slack

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        request = Request(self.path, self.headers, body)
        try:
            self.send(*self.answered(request))
        except Answer as answer:
            self.send(answer.status, answer.body, **answer.headers)
        except Hang:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def answered(self, request: Request) -> tuple[int, dict | list | str]:
        if request.path in INTERACTIONS:
            return 200, self.interacted(request)
        if request.path.startswith("/control/"):
            with self.server.lock:
                return 200, self.controlled(request)
        if request.path.startswith("/api/"):
            return self.call(request.path.removeprefix("/api/"), request, self.api)
        if WEBHOOK_PATH.fullmatch(request.path):
            return self.call("webhook", request, self.webhook)
        self.server.workspace.complain(request.path, "nothing is here")
        return 404, "<html>404 Not Found</html>"

    # ---- Slack ----

    def call(self, method: str, request: Request, do) -> tuple[int, dict | str]:
        """Does a call, unless a fault comes first, and remembers it either way."""
        with self.server.lock:
            fault = faults.take(self.server.faults, method)
            call = remembered(method, request)
            self.server.calls.append(call)
        try:
            before(fault, is_webhook=method == "webhook")
            with self.server.lock:
                call["status"], call["answer"] = do(method, request)
        except Answer as answer:
            call["status"], call["answer"] = answer.status, answer.body
            raise
        if fault and fault.kind == "after":
            raise Hang
        return call["status"], call["answer"]

    def api(self, method: str, request: Request) -> tuple[int, dict]:
        workspace = self.server.workspace
        if method not in METHODS:
            workspace.complain(method, "unknown_method")
            return 200, {"ok": False, "error": "unknown_method"}
        if self.command != "POST":
            workspace.complain(method, f"is called by {self.command}, not by POST")
            return 405, {"ok": False, "error": "invalid_post_type"}
        for oddity in request.oddities(method):
            workspace.complain(method, oddity)
        return 200, self.done(method, request)

    def done(self, method: str, request: Request) -> dict:
        workspace, known = self.server.workspace, METHODS[method]
        try:
            arguments = request.arguments()
        except Refusal as refusal:
            workspace.complain(method, refusal.error)
            return refusal.answer
        is_json = request.kind == "application/json"
        if is_json and not known.takes_json:
            arguments = {}  # Slack looks for a form, and finds nothing
        if not is_json and not known.takes_forms:
            arguments = with_json_inside(arguments)
        return workspace.call(method, arguments, request.token)

    def webhook(self, _: str, request: Request) -> tuple[int, str]:
        try:
            if self.command != "POST":
                raise Refusal("invalid_payload")
            self.server.workspace.webhook(request.path, payload(request))
        except Refusal as refusal:
            error = {"is_archived": "channel_is_archived"}.get(refusal.error, refusal.error)
            if error == "invalid_payload":
                self.server.workspace.complain("webhook", error)
            return WEBHOOK_STATUS.get(error, 400), error
        return 200, "ok"

    # ---- the test ----

    def controlled(self, request: Request):
        slack, asked = self.server, f"{self.command} {request.path.removeprefix('/control/')}"
        try:
            match asked:
                case "GET calls":
                    return slack.calls
                case "GET messages":
                    return slack.workspace.messages
                case "GET views":
                    return list(slack.workspace.views.values())
                case "GET interactions":
                    return slack.interactions
                case "POST trigger":
                    return {"trigger_id": slack.workspace.give_trigger(**json.loads(request.body))}
                case "GET complaints":
                    return slack.workspace.complaints
                case "GET state":
                    return slack.workspace.state
                case "POST state":
                    slack.workspace.change(json.loads(request.body))
                case "POST faults":
                    slack.faults += faults.parsed(json.loads(request.body))
                case "DELETE faults":
                    slack.faults.clear()
                case _:
                    raise Answer(404, {"error": f"`{asked}` is nothing that the control interface knows"})
        except (AttributeError, TypeError, ValueError) as error:
            raise Answer(400, {"error": str(error)}) from error
        return {}

    def interacted(self, request: Request) -> dict:
        """Sends something to the app. Nobody is held up meanwhile: the app may call Slack before it answers."""
        try:
            asked, kind = json.loads(request.body), request.path.removeprefix("/control/")
            with self.server.lock:
                sent = self.replayed(asked) if kind == "replay" else self.prepared(kind, asked)
            answer = interactions.post(sent["url"], [tuple(header) for header in sent["sent_headers"]], sent["sent"])
            with self.server.lock:
                return self.concluded(sent, answer)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise Answer(400, {"error": str(error) or repr(error)}) from error

    def prepared(self, kind: str, asked: dict) -> dict:
        workspace = self.server.workspace
        if kind == "click":
            sending, click = interactions.told(asked, interactions.Click)
            payload = interactions.clicked(workspace, click, sending)
        else:
            sending, submission = interactions.told(asked, interactions.Submission)
            payload = interactions.submitted(workspace, submission, sending)
        headers, body = interactions.request(payload, sending)
        return {"url": sending.url, "payload": payload, "sent_headers": headers, "sent": body}

    def replayed(self, asked: dict) -> dict:
        before = self.server.interactions[asked["interaction"] - 1]
        again = {name: before[name] for name in ("url", "payload", "sent_headers")}
        return {**again, "url": asked.get("url", before["url"]), "sent": before["sent"].encode()}

    def concluded(self, sent: dict, answer: dict) -> dict:
        workspace, payload = self.server.workspace, sent["payload"]
        if payload["type"] == "block_actions":
            interactions.judge_click(workspace, answer)
        else:
            interactions.judge_submission(workspace, payload["view"]["id"], answer)
        number = len(self.server.interactions) + 1
        told = {"interaction": number, **sent, "sent": sent["sent"].decode(), **answer}
        self.server.interactions.append(told)
        return told

    # ---- HTTP ----

    def send(self, status: int, body: dict | list | str, **headers: str) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-type", TEXT if isinstance(body, str) else JSON)
        self.send_header("content-length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def before(fault: faults.Fault | None, is_webhook: bool) -> None:
    """What a fault does before Slack does anything."""
    match fault.kind if fault else None:
        case "sleep":
            time.sleep(fault.seconds)
        case "drop":
            raise Hang
        case "500":
            raise Answer(500, "<html>Internal Server Error</html>")
        case "429":
            body = "rate_limited" if is_webhook else {"ok": False, "error": "ratelimited"}
            raise Answer(429, body, retry_after=str(fault.retry_after))
        case "error" if is_webhook:
            raise Answer(WEBHOOK_STATUS.get(fault.error, 400), fault.error)
        case "error":
            raise Answer(200, {"ok": False, "error": fault.error})


def remembered(method: str, request: Request) -> dict:
    """A call as the test sees it. Without an answer, `status` and `answer` stay null."""
    try:
        arguments = request.arguments()
    except Refusal:
        arguments = None
    return {
        "method": method,
        "path": request.path,
        "arguments": arguments,
        "token": request.token,
        "status": None,
        "answer": None,
    }


def with_json_inside(form: dict) -> dict:
    """In a form, blocks and views are JSON inside a string."""
    try:
        return {name: json.loads(value) if name in ("blocks", "view") else value for name, value in form.items()}
    except ValueError:
        return form


def payload(request: Request) -> dict:
    """What was sent to a webhook: JSON, or a form whose one field is JSON."""
    try:
        arguments = request.arguments()
        if request.kind == "application/json":
            return arguments
        decoded = json.loads(arguments["payload"])
    except (Refusal, KeyError, ValueError) as error:
        raise Refusal("invalid_payload") from error
    if not isinstance(decoded, dict):
        raise Refusal("invalid_payload")
    return decoded


def main() -> None:
    slack = Slack()
    threading.Thread(target=slack.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{slack.server_port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
