"""What the fake sends to an app is what Slack sends, and it takes only answers that Slack takes."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from slack_sdk.signature import SignatureVerifier

from documents import GONE, MESSAGE, MODAL, changed, plain
from fake import JANE, TALK, refused
from validate import ERROR, compiled
from workspace import APP, SIGNING_SECRET, TEAM

STRANGER = "U0000000777"
FILLED = {"policy": "1", "namespaces": ["1", "2"], "reason": "on call"}
JSON = {"content-type": "application/json"}


class App:
    """An app that answers as it is told, and keeps what it got."""

    def __init__(self):
        app = self
        self.got: list[tuple[dict, bytes]] = []
        self.answer = lambda payload: (200, {}, b"")

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                app.got.append((dict(self.headers.items()), body))
                status, headers, content = app.answer(payload_of(body))
                self.send_response(status)
                for name, value in {**headers, "content-length": len(content)}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/slack"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answers(self, told: dict, **headers: str) -> None:
        content = json.dumps(told).encode()
        self.answer = lambda payload: (200, headers or JSON, content)

    def is_valid(self, at: int = -1, secret: str = SIGNING_SECRET) -> bool:
        headers, body = self.got[at]
        return SignatureVerifier(secret).is_valid_request(body, headers)


def payload_of(body: bytes) -> dict:
    return json.loads(parse_qs(body.decode())["payload"][0])


@pytest.fixture
def app():
    started = App()
    yield started
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture
def click(fake, app):
    """Clicks on a message of its own, or on another."""
    ts = fake.client.chat_postMessage(**MESSAGE)["ts"]

    def clicked(**more) -> dict:
        usual = {"url": app.url, "channel": TALK, "ts": ts, "action_id": "request:open", "user": JANE}
        return fake.control("POST", "click", usual | more)

    return clicked


@pytest.fixture
def submit(fake, app):
    """Submits a view of its own, or another."""
    view = opened(fake)["id"]

    def submitted(**more) -> dict:
        usual = {"url": app.url, "view": view, "user": JANE, "values": FILLED}
        return fake.control("POST", "submit", usual | more)

    return submitted


def opened(fake, user: str = JANE, view: dict = MODAL) -> dict:
    trigger = fake.control("POST", "trigger", {"user": user})["trigger_id"]
    return fake.client.views_open(trigger_id=trigger, view=view)["view"]


def view_of(fake) -> dict:
    (kept,) = fake.control("GET", "views")
    return kept


def nonsense(fake, kind: str, asked: dict) -> str:
    status, answer = fake.ask("POST", f"/control/{kind}", json.dumps(asked))
    assert status == 400
    return answer["error"]


# ---- shapes ----

# Where the types of Slack's framework lag behind what it sends.
BESIDES = """\
import type { BlockAction, ButtonAction, ViewSubmitAction } from '@slack/bolt';
import type { ConfirmationDialog } from '@slack/types';
type Org = { enterprise: { id: string; name: string } | null };
type Button = Omit<ButtonAction, 'confirm'> & { style?: string; confirm?: ConfirmationDialog };
type Click = Omit<BlockAction<Button>, 'enterprise'> & Org;
type Submission = Omit<ViewSubmitAction, 'enterprise'> & Org & { user: { username: string } };
"""


def typed_problems(bolt: Path, payloads: dict[str, list[dict]]) -> list[str]:
    lines = [f"({json.dumps(one)}) satisfies {kind};" for kind, several in payloads.items() for one in several]
    printed = compiled(BESIDES + "\n".join(lines), bolt)
    return [line for line in printed.splitlines() if ERROR.match(line)]


def test_payloads_are_of_the_types_of_slacks_framework(fake, click, submit, bolt):
    org = {"team": TEAM, "user_team": "E0000000001", "enterprise": "E0000000001", "org_install": True}
    clicks = [click()["payload"], click(also=["request:deny"], **org)["payload"]]
    whisper = {"channel": TALK, "user": JANE, "text": "You may not.", "parse": "none", "blocks": MESSAGE["blocks"]}
    clicks.append(click(ts=fake.client.chat_postEphemeral(**whisper)["message_ts"])["payload"])
    submissions = [submit()["payload"], submit(view=opened(fake)["id"], **org)["payload"]]
    assert typed_problems(bolt, {"Click": clicks, "Submission": submissions}) == []
    broken = [changed(clicks[0], "user/id", 5), changed(clicks[0], "actions", {}), changed(clicks[0], "token", GONE)]
    assert len(typed_problems(bolt, {"Click": broken})) == 3


def test_a_click_tells_where_who_and_what(fake, app, click):
    answer = click()
    payload = payload_of(app.got[0][1])
    assert payload == answer["payload"]
    (message,) = fake.messages()
    assert (answer["status"], answer["body"], answer["interaction"]) == (200, "", 1)
    assert payload["container"] == {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": TALK,
        "is_ephemeral": False,
    }
    assert payload["message"]["blocks"] == MESSAGE["blocks"]
    assert payload["user"] == {"id": JANE, "username": "jane", "name": "jane", "team_id": TEAM}
    assert (payload["team"]["id"], payload["enterprise"], payload["api_app_id"]) == (TEAM, None, APP)
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("request:open", "answers.1", "v1.01J8")
    assert (action["type"], action["style"]) == ("button", "primary")
    assert fake.complaints() == []


def test_a_click_may_tell_of_more_than_one_action(click):
    payload = click(also=["request:deny"])["payload"]
    assert [action["action_id"] for action in payload["actions"]] == ["request:open", "request:deny"]
    assert len({action["action_ts"] for action in payload["actions"]}) == 2


def test_a_block_without_an_id_has_got_one(fake, click):
    bare = [{name: value for name, value in block.items() if name != "block_id"} for block in MESSAGE["blocks"]]
    ts = fake.client.chat_postMessage(**{**MESSAGE, "blocks": bare})["ts"]
    payload = click(ts=ts)["payload"]
    ids = [block["block_id"] for block in payload["message"]["blocks"]]
    assert len(set(ids)) == len(ids) and payload["actions"][0]["block_id"] == ids[-1]


def test_a_whisper_is_clicked_by_whom_it_is_for_and_is_not_told_again(fake, click):
    whisper = {"channel": TALK, "user": JANE, "text": "You may not.", "parse": "none", "blocks": MESSAGE["blocks"]}
    ts = fake.client.chat_postEphemeral(**whisper)["message_ts"]
    payload = click(ts=ts)["payload"]
    assert payload["container"]["is_ephemeral"] and "message" not in payload
    unseen = {"url": "http://127.0.0.1:1/", "channel": TALK, "ts": ts, "action_id": "request:open", "user": STRANGER}
    assert nonsense(fake, "click", unseen) == f"{STRANGER} sees no message {ts} in {TALK}"


def test_an_option_is_chosen_in_a_message(fake, click):
    one, other = ({"text": plain(name), "value": name} for name in "ab")
    select = {"type": "static_select", "action_id": "pick", "placeholder": plain("Pick"), "options": [one, other]}
    ts = fake.client.chat_postMessage(**{**MESSAGE, "blocks": [{"type": "actions", "elements": [select]}]})["ts"]
    assert click(ts=ts, action_id="pick", option="b")["payload"]["actions"][0]["selected_option"] == other


def test_a_form_is_written_as_slack_writes_it(app, click):
    click()
    headers, body = app.got[0]
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["user-agent"].startswith("Slackbot ")
    assert b"%5C%2F" in body and body.isascii()


# ---- signatures ----


def test_an_interaction_is_signed(app, click):
    click()
    assert app.is_valid() and not app.is_valid(secret="other")


@pytest.mark.parametrize("wrong", [{"skew": -301}, {"skew": 301}, {"secret": "other"}, {"tamper": True}], ids=str)
def test_an_interaction_can_be_signed_wrongly(app, click, wrong):
    click(**wrong)
    assert not app.is_valid()


@pytest.mark.parametrize("skew", [-295, 295])
def test_a_clock_may_be_off_a_little(app, click, skew):
    click(skew=skew)
    assert app.is_valid()


def test_what_is_tampered_with_names_another_user(app, click):
    told = click(tamper=True)
    assert told["payload"]["user"]["id"] == JANE
    assert payload_of(app.got[0][1])["user"]["id"] == "U0000000666"


def test_the_same_bytes_can_be_sent_again(fake, app, click):
    first = click()
    again = fake.control("POST", "replay", {"interaction": 1})
    assert app.got[0] == app.got[1] and again["payload"] == first["payload"]
    assert [told["interaction"] for told in fake.control("GET", "interactions")] == [1, 2]


def test_headers_can_be_missing_doubled_or_others(fake, app, click):
    click(headers={"X-Slack-Signature": None, "X-Slack-Retry-Num": "1"})
    headers, _ = app.got[0]
    assert "x-slack-signature" not in headers and headers["x-slack-retry-num"] == "1"
    click(headers={"x-slack-signature": ["v0=1", "v0=2"]})
    sent = fake.control("GET", "interactions")[1]["sent_headers"]
    assert [value for name, value in sent if name == "x-slack-signature"] == ["v0=1", "v0=2"]


# ---- who ----


def test_a_stranger_comes_from_another_team(click):
    payload = click(user=STRANGER, team="T0000000777")["payload"]
    assert (payload["user"]["team_id"], payload["team"]["id"]) == ("T0000000777", "T0000000777")
    assert payload["user"]["username"] == STRANGER.lower()


def test_an_app_can_be_installed_for_an_organisation(click, submit):
    for send in (click, submit):
        payload = send(org_install=True, enterprise="E1", user_team="E1", app="A1")["payload"]
        assert (payload["team"], payload["enterprise"]["id"], payload["is_enterprise_install"]) == (None, "E1", True)
        assert (payload["user"]["team_id"], payload["api_app_id"]) == ("E1", "A1")


# ---- triggers and views ----


def test_a_click_has_a_trigger_that_opens_one_view(fake, app, click):
    seen = []

    def open_view(payload: dict) -> tuple:
        seen.append(fake.client.views_open(trigger_id=payload["trigger_id"], view=MODAL)["view"])
        return 200, {}, b""

    app.answer = open_view
    trigger = click()["payload"]["trigger_id"]
    kept = view_of(fake)
    assert (kept["view"], kept["user"], kept["is_open"]) == (seen[0], JANE, True)
    assert refused(fake.client.views_open, trigger_id=trigger, view=MODAL) == "exchanged_trigger_id"


def test_a_trigger_can_be_too_old(fake, click):
    trigger = click(trigger_age=4)["payload"]["trigger_id"]
    assert refused(fake.client.views_open, trigger_id=trigger, view=MODAL) == "expired_trigger_id"


def test_a_view_holds_everything_that_slack_adds(fake):
    view = opened(fake)
    assert (view["team_id"], view["app_id"], view["app_installed_team_id"]) == (TEAM, APP, TEAM)
    assert (view["root_view_id"], view["previous_view_id"], view["external_id"]) == (view["id"], None, "")


# ---- submissions ----


def test_a_submission_tells_what_was_entered(fake, app, submit):
    payload = submit()["payload"]
    assert payload == payload_of(app.got[0][1])
    one, two = MODAL["blocks"][2]["element"]["options"]
    assert payload["view"]["state"]["values"] == {
        "policy": {"policy": {"type": "static_select", "selected_option": MODAL["blocks"][1]["element"]["options"][0]}},
        "namespaces": {"namespaces": {"type": "multi_static_select", "selected_options": [one, two]}},
        "heed": {"heed": {"type": "checkboxes", "selected_options": []}},
        "hours": {"hours": {"type": "radio_buttons", "selected_option": MODAL["blocks"][4]["element"]["initial_option"]}},
        "reason": {"reason": {"type": "plain_text_input", "value": "on call"}},
    }
    assert payload["view"]["private_metadata"] == "v1.01J8" and app.is_valid()
    assert (view_of(fake)["is_open"], fake.complaints()) == (False, [])


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({**FILLED, "policy": "3"}, "`3` is no option of `policy`"),
        ({**FILLED, "namespaces": []}, "`namespaces` must be filled in"),
        ({**FILLED, "namespaces": ["1", "2", "1"]}, "`namespaces` takes at most 2"),
        ({**FILLED, "reason": ""}, "`reason` must be filled in"),
        ({**FILLED, "reason": "x" * 501}, "`reason` takes 0 to 500 characters, not 501"),
        ({**FILLED, "reason": 5}, "`reason` takes a text"),
        ({**FILLED, "cluster": "x"}, "the view has no input cluster; there are policy, namespaces, heed, hours, reason"),
    ],
)
def test_nobody_enters_what_slack_does_not_take(fake, values, error):
    opened(fake)
    assert nonsense(fake, "submit", {"url": "http://127.0.0.1:1/", "values": values}) == error


def test_what_nobody_could_have_entered_can_be_sent_all_the_same(submit):
    forged = {"namespaces": {"namespaces": {"type": "plain_text_input", "value": "kube-system"}}}
    view = submit(raw_values=forged, private_metadata="v1.other")["payload"]["view"]
    assert view["state"]["values"]["namespaces"] == forged["namespaces"]
    assert (view["private_metadata"], view["state"]["values"]["reason"]["reason"]["value"]) == ("v1.other", "on call")


def test_a_view_is_submitted_by_whom_it_is_open_for(fake, submit):
    submit()
    closed = {"url": "http://127.0.0.1:1/", "values": FILLED}
    assert nonsense(fake, "submit", closed) == "there is no open view"
    view = opened(fake)["id"]
    other = {**closed, "view": view, "user": STRANGER}
    assert nonsense(fake, "submit", other) == f"{view} was opened for {JANE}, not for {STRANGER}"


def test_errors_keep_the_view_open(fake, app, submit):
    app.answers({"response_action": "errors", "errors": {"reason": "Say why."}})
    submit()
    kept = view_of(fake)
    assert (kept["is_open"], kept["errors"], kept["submissions"]) == (True, {"reason": "Say why."}, 1)
    assert fake.complaints() == []


def test_an_update_shows_another_view(fake, app, submit):
    done = {"type": "modal", "title": plain("Done"), "blocks": [{"type": "section", "text": plain("Granted.")}]}
    app.answers({"response_action": "update", "view": done})
    submit()
    kept = view_of(fake)
    assert (kept["is_open"], kept["view"]["title"], fake.complaints()) == (True, plain("Done"), [])
    assert nonsense(fake, "submit", {"url": app.url}) == "the view has no submit"


def test_clear_closes_the_view(fake, app, submit):
    app.answers({"response_action": "clear"})
    submit()
    assert (view_of(fake)["is_open"], fake.complaints()) == (False, [])


BAD_VIEW = changed(MODAL, "title/text", "x" * 25)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"response_action": "errors", "errors": {"facts": "x"}}, "an error is of `facts`, which is no input"),
        ({"response_action": "errors", "errors": {"reason": ""}}, "the error of `reason` is no text"),
        ({"response_action": "errors", "errors": {}}, "the answer is no response_action"),
        ({"response_action": "close"}, "the answer is no response_action"),
        ({"response_action": "clear", "view": MODAL}, "the answer is no response_action"),
        ({"ok": True}, "the answer is no response_action"),
        ({"response_action": "update", "view": {"type": "home", "blocks": []}}, "the view of an update is no modal"),
        ({"response_action": "update", "view": BAD_VIEW}, "the view of an update is refused: "),
    ],
)
def test_an_answer_that_slack_could_not_use_is_complained_of(fake, app, submit, told, complaint):
    app.answers(told)
    submit()
    assert fake.complaints()[-1].startswith(f"view_submission: {complaint}")
    assert (view_of(fake)["is_open"], view_of(fake)["errors"]) == (True, {})


def test_an_answer_that_is_no_json_is_complained_of(fake, app, submit):
    app.answer = lambda payload: (200, JSON, b"ok")
    submit()
    app.answers({"response_action": "clear"}, **{"content-type": "text/plain"})
    submit()
    assert fake.complaints() == [
        "view_submission: the answer is no JSON",
        "view_submission: the answer is not application/json, but text/plain",
    ]


def test_an_answer_to_a_click_that_nobody_reads_is_complained_of(fake, app, click):
    app.answer = lambda payload: (200, {}, b"ok")
    click()
    assert fake.complaints() == ["block_actions: the answer has a body, which nobody reads"]


def test_a_refusal_changes_nothing(fake, app, submit):
    app.answer = lambda payload: (401, {}, b"")
    assert submit()["status"] == 401
    assert (view_of(fake)["is_open"], fake.complaints()) == (True, [])


# ---- the control interface ----


def test_many_click_at_once_and_slack_is_there_meanwhile(fake, app, click):
    everybody = threading.Barrier(8)

    def answer(payload: dict) -> tuple:
        everybody.wait(20)
        fake.client.chat_update(channel=TALK, ts=payload["message"]["ts"], text="x", parse="none")
        return 200, {}, b""

    app.answer = answer
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: click(), range(8)))
    assert {one["status"] for one in told} == {200}
    assert sorted(one["interaction"] for one in told) == list(range(1, 9))


def test_who_is_not_there_answers_nothing(click):
    told = click(url="http://127.0.0.1:1/slack")
    assert (told["status"], told["body"]) == (None, "") and told["error"]


@pytest.mark.parametrize(
    ("kind", "asked", "error"),
    [
        ("click", {"action_id": "request:approve"}, "the message has 0 elements with the action_id `request:approve`"),
        ("click", {"block_id": "facts.1"}, "the message has 0 elements with the action_id `request:open`"),
        ("click", {"ts": "1.000001"}, f"{JANE} sees no message 1.000001 in {TALK}"),
        ("click", {"url": "https://example.com/slack"}, "`https://example.com/slack` is not on this machine"),
        ("click", {"colour": "red"}, "colour"),
        ("click", {"also": ["nothing"]}, "the message has 0 elements with the action_id `nothing`"),
        ("submit", {}, "there is no open view"),
        ("replay", {"interaction": 1}, "list index out of range"),
        ("replay", {}, "'interaction'"),
    ],
)
def test_the_test_is_told_when_it_asks_for_nonsense(fake, kind, asked, error):
    ts = fake.client.chat_postMessage(**MESSAGE)["ts"]
    usual = {"click": {"channel": TALK, "ts": ts, "action_id": "request:open"}}.get(kind, {})
    usual = usual if kind == "replay" else {"url": "http://127.0.0.1:1/", **usual}
    assert error in nonsense(fake, kind, usual | asked)
    assert fake.control("GET", "interactions") == []
