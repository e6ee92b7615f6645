"""What Slack sends to an app when somebody clicks or submits, and what it makes of the answer.

The shapes are those of payloads that were captured; test_interactions.py holds them against the types of Slack's own
framework for apps. Everything is sent to loopback only.
"""

import copy
import hashlib
import hmac
import http.client
import json
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import rules
from workspace import APP, SIGNING_SECRET, TEAM, Workspace, as_answered, with_block_ids

# How long Slack waits is three seconds; a test may want to know how long it took instead.
PATIENCE = 60
AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
IMPOSTOR = "U0000000666"


@dataclass
class Sending:
    """How an interaction is sent, and what is not as it should be."""

    url: str
    # Who clicks. A person of another organisation has another team.
    user: str = "U0000000001"
    team: str | None = TEAM
    user_team: str | None = None
    enterprise: str | None = None
    # Installed for a whole organisation: no team.
    org_install: bool = False
    app: str = APP
    # Seconds that the timestamp is off.
    skew: int = 0
    secret: str = SIGNING_SECRET
    # Changes who clicked, after it was signed.
    tamper: bool = False
    # Seconds since the trigger was given out.
    trigger_age: float = 0
    # Other headers than the usual: null for none, a list for several of one name.
    headers: dict = field(default_factory=dict)


@dataclass
class Click:
    channel: str
    ts: str
    action_id: str
    block_id: str | None = None
    # The value of the option, for a select.
    option: str | None = None
    # Other actions that are told at the same time.
    also: list[str] = field(default_factory=list)


@dataclass
class Submission:
    # The view; the one that was opened last, if none is named.
    view: str | None = None
    # By block, what a person types or chooses.
    values: dict = field(default_factory=dict)
    # By block and action, what nobody could have entered.
    raw_values: dict = field(default_factory=dict)
    private_metadata: str | None = None


def told(asked: dict, kind: type) -> tuple[Sending, Click | Submission]:
    """What a test asks for. Whatever is unknown in it is an error."""
    of_sending = {name: asked[name] for name in asked if name in Sending.__dataclass_fields__}
    rest = {name: value for name, value in asked.items() if name not in of_sending}
    return Sending(**of_sending), kind(**rest)


# ---- payloads ----


def clicked(workspace: Workspace, click: Click, sending: Sending) -> dict:
    message = workspace.shown_message(click.channel, click.ts, sending.user)
    if message is None:
        raise ValueError(f"{sending.user} sees no message {click.ts} in {click.channel}")
    blocks = with_block_ids(message["blocks"])
    actions = [action_of(blocks, click)]
    actions += [action_of(blocks, Click(click.channel, click.ts, name)) for name in click.also]
    for action in actions:
        action["action_ts"] = workspace.next_ts()
    is_ephemeral = message["only_for"] is not None
    container = {"type": "message", "message_ts": click.ts, "channel_id": click.channel, "is_ephemeral": is_ephemeral}
    if message["thread_ts"]:
        container["thread_ts"] = message["thread_ts"]
    return {
        "type": "block_actions",
        **common(workspace, sending),
        "container": container,
        "channel": {"id": click.channel, "name": "privategroup" if click.channel.startswith("G") else "eks-access"},
        # What only one person sees is not told again.
        **({} if is_ephemeral else {"message": {**as_answered(message), "blocks": blocks}}),
        "state": {"values": {}},
        "response_url": f"{workspace.url}/actions/{TEAM}/{workspace.next_number()}/FAKERESPONSEURL",
        "actions": actions,
    }


def action_of(blocks: list[dict], click: Click) -> dict:
    """The action that a click on an element of these blocks is."""
    found = [
        (block["block_id"], element)
        for block in blocks
        for _, element in rules.objects(block)
        if element.get("action_id") == click.action_id and click.block_id in (None, block["block_id"])
    ]
    if len(found) != 1:
        raise ValueError(f"the message has {len(found)} elements with the action_id `{click.action_id}`")
    (block_id, element), common_keys = found[0], ("action_id", "type", "text", "value", "style", "confirm", "placeholder")
    action = {"block_id": block_id, **{key: element[key] for key in common_keys if key in element}}
    match element["type"]:
        case "button":
            return action
        case "static_select" | "overflow":
            return {**action, "selected_option": chosen(element, click.option)}
    raise ValueError(f"nobody clicks on a `{element['type']}` here")


def chosen(element: dict, value: str | None) -> dict:
    options = options_of(element)
    option = next((one for one in options if one.get("value") == value), None)
    if option is None:
        raise ValueError(f"`{value}` is no option of `{element['action_id']}`")
    return option


def options_of(element: dict) -> list[dict]:
    groups = element.get("option_groups") or [{"options": element.get("options", [])}]
    return [option for group in groups for option in group["options"]]


def submitted(workspace: Workspace, submission: Submission, sending: Sending) -> dict:
    kept = workspace.opened_view(submission.view)
    if kept["user"] != sending.user:
        raise ValueError(f"{kept['view']['id']} was opened for {kept['user']}, not for {sending.user}")
    view = copy.deepcopy(kept["view"])
    view["state"] = {"values": values_of(view, submission.values)}
    for block, actions in submission.raw_values.items():
        view["state"]["values"].setdefault(block, {}).update(actions)
    if submission.private_metadata is not None:
        view["private_metadata"] = submission.private_metadata
    kept["view"]["state"] = copy.deepcopy(view["state"])
    kept["submissions"] += 1
    return {"type": "view_submission", **common(workspace, sending), "view": view, "response_urls": []}


def values_of(view: dict, entered: dict) -> dict:
    inputs = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    if unknown := entered.keys() - inputs.keys():
        raise ValueError(f"the view has no input {', '.join(sorted(unknown))}; there are {', '.join(inputs)}")
    if "submit" not in view:
        raise ValueError("the view has no submit")
    return {name: value_of(block, entered) for name, block in inputs.items()}


def value_of(block: dict, entered: dict) -> dict:
    """What one input holds: what was entered, or what it began with. Slack sends nothing that it would not take."""
    element, name = block["element"], block["block_id"]
    kind = element["type"]
    value = entered[name] if name in entered else beginning(element)
    if kind in ("multi_static_select", "checkboxes"):
        value = value or []
    if value in (None, "", []) and not block.get("optional", False):
        raise ValueError(f"`{name}` must be filled in")
    match kind:
        case "plain_text_input":
            require_length(name, element, value)
            state = {"value": value or None}
        case "static_select" | "radio_buttons":
            state = {"selected_option": None if value is None else chosen(element, value)}
        case "multi_static_select" | "checkboxes":
            if len(value) > element.get("max_selected_items", len(value)):
                raise ValueError(f"`{name}` takes at most {element['max_selected_items']}")
            state = {"selected_options": [chosen(element, one) for one in value]}
        case "users_select":
            state = {"selected_user": value}
        case _:
            raise ValueError(f"nobody fills in a `{kind}` here")
    return {element["action_id"]: {"type": kind, **state}}


def beginning(element: dict):
    match element["type"]:
        case "plain_text_input":
            return element.get("initial_value")
        case "static_select" | "radio_buttons":
            return element.get("initial_option", {}).get("value")
        case "multi_static_select" | "checkboxes":
            return [option["value"] for option in element.get("initial_options", [])]
        case "users_select":
            return element.get("initial_user")
    return None


def require_length(name: str, element: dict, value: str | None) -> None:
    if not isinstance(value, str | None):
        raise TypeError(f"`{name}` takes a text")
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if value and not least <= len(value) <= most:
        raise ValueError(f"`{name}` takes {least} to {most} characters, not {len(value)}")


def common(workspace: Workspace, sending: Sending) -> dict:
    """What every interaction tells. In an organisation the team of a user may be the organisation's id."""
    enterprise = {"id": sending.enterprise, "name": "Fake Org"} if sending.enterprise else None
    team = {"id": sending.team, "domain": "fake"}
    if enterprise:
        team |= {"enterprise_id": enterprise["id"], "enterprise_name": enterprise["name"]}
    name = workspace.name_of(sending.user)
    of_user = sending.user_team or sending.team
    return {
        "user": {"id": sending.user, "username": name, "name": name, "team_id": of_user},
        "api_app_id": sending.app,
        "token": "FAKEVERIFICATIONTOKEN",
        "trigger_id": workspace.give_trigger(sending.user, sending.trigger_age),
        "team": None if sending.org_install else team,
        "enterprise": enterprise,
        "is_enterprise_install": sending.org_install,
    }


# ---- the way there ----


def form(payload: dict) -> bytes:
    """As Slack writes it: a slash escaped, as PHP does, and then everything encoded for a form."""
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).replace("/", "\\/")
    return urlencode({"payload": text}).encode()


def signature(secret: str, stamp: str, body: bytes) -> str:
    base = b"v0:" + stamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def request(payload: dict, sending: Sending) -> tuple[list[tuple[str, str]], bytes]:
    body, stamp = form(payload), str(int(time.time()) + sending.skew)
    headers: dict = {
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": AGENT,
        "accept": "application/json,*/*",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature(sending.secret, stamp, body),
    }
    headers |= {name.lower(): value for name, value in sending.headers.items()}
    if sending.tamper:
        body = body.replace(sending.user.encode(), IMPOSTOR.encode(), 1)
    return listed(headers), body


def listed(headers: dict) -> list[tuple[str, str]]:
    several = {name: value if isinstance(value, list) else [value] for name, value in headers.items()}
    return [(name, value) for name, values in several.items() for value in values if value is not None]


def post(url: str, headers: list[tuple[str, str]], body: bytes) -> dict:
    """What came back; `status` is null if nothing did."""
    address = urlsplit(url)
    if address.scheme != "http" or address.hostname not in ("127.0.0.1", "localhost"):
        raise ValueError(f"`{url}` is not on this machine")
    started = time.monotonic()
    connection = http.client.HTTPConnection(address.netloc, timeout=PATIENCE)
    try:
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.putrequest("POST", path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        seen = {"status": answer.status, "headers": [[name.lower(), value] for name, value in answer.getheaders()]}
        seen["body"] = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        seen = {"status": None, "headers": [], "body": "", "error": str(error)}
    finally:
        connection.close()
    return {**seen, "took": time.monotonic() - started}


# ---- the answer ----


def judge_click(workspace: Workspace, answer: dict) -> None:
    if answer["status"] == 200 and answer["body"]:
        workspace.complain("block_actions", "the answer has a body, which nobody reads")


def judge_submission(workspace: Workspace, view_id: str, answer: dict) -> None:
    """What becomes of the view. An answer that Slack could not use leaves it open, with an error that says nothing."""
    kept = workspace.views[view_id]
    if answer["status"] != 200:
        return
    if not answer["body"]:
        kept["is_open"] = False
        return
    try:
        response_action(workspace, kept, answer)
    except ValueError as error:
        workspace.complain("view_submission", str(error))


def response_action(workspace: Workspace, kept: dict, answer: dict) -> None:
    kinds = [value for name, value in answer["headers"] if name == "content-type"]
    if not any(kind.split(";")[0].strip() == "application/json" for kind in kinds):
        raise ValueError(f"the answer is not application/json, but {', '.join(kinds) or 'nothing'}")
    try:
        told = json.loads(answer["body"])
    except ValueError as error:
        raise ValueError("the answer is no JSON") from error
    match told:
        case {"response_action": "errors", "errors": dict(errors), **rest} if errors and not rest:
            require_errors(kept["view"], errors)
            kept["errors"] = errors
        case {"response_action": "update", "view": dict(view), **rest} if not rest:
            require_view(workspace, view)
            workspace.change_view(kept, view)
        case {"response_action": "clear", **rest} if not rest:
            kept["is_open"] = False
        case _:
            raise ValueError(f"the answer is no response_action: {answer['body']}")


def require_errors(view: dict, errors: dict) -> None:
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    for block, text in errors.items():
        if block not in inputs:
            raise ValueError(f"an error is of `{block}`, which is no input; there are {', '.join(inputs)}")
        if not isinstance(text, str) or not text:
            raise ValueError(f"the error of `{block}` is no text")


def require_view(workspace: Workspace, view: dict) -> None:
    if not rules.is_modal(view):
        raise ValueError("the view of an update is no modal")
    workspace.look_at("view_submission", view)
    if found := rules.slack_problems(view):
        raise ValueError(f"the view of an update is refused: {'; '.join(found)}")
