"""The fake answers as Slack does: its own client understands it, and it refuses what Slack refuses."""

import http.client
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from slack_sdk.errors import SlackApiError

from documents import GONE, MESSAGE, MODAL, changed, plain
from fake import GROUP, JANE, OTHER, SAFE, STRANGE, TALK, Fake, refused, say
from workspace import TOKEN, WEBHOOK

TRIGGER = "12345.98765.abcd2358fdea"

pytestmark = pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing")

logging.getLogger("slack_sdk.web").setLevel(logging.CRITICAL)


# ---- the program ----


def test_it_ends_when_its_standard_input_does():
    fake = Fake()
    assert fake.url.startswith("http://127.0.0.1:")
    fake.faults({"method": "*", "kind": "sleep", "seconds": 60})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(fake.client.auth_test)
        assert fake.close() == 0
        assert isinstance(waiting.exception(10), OSError)


# ---- methods ----


def test_a_token_tells_who_it_is(fake):
    assert fake.client.auth_test()["team_id"] == "T0000000001"
    assert fake.complaints() == []


def test_a_message_is_seen_as_it_was_sent(fake):
    answer = fake.client.chat_postMessage(**MESSAGE)
    (message,) = fake.messages()
    assert (answer["channel"], answer["ts"]) == (TALK, message["ts"])
    assert (message["text"], message["blocks"]) == (MESSAGE["text"], MESSAGE["blocks"])
    assert answer["message"]["blocks"] == MESSAGE["blocks"]
    assert (message["edits"], message["sender"], fake.complaints()) == (0, "bot", [])


def test_every_ts_is_later_than_the_one_before(fake):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: fake.client.chat_postMessage(**say(str(number))), range(20)))
    given = [message["ts"] for message in fake.messages()]
    assert given == sorted(given) and set(given) == {answer["ts"] for answer in answers}
    assert len(given) == 20


def test_an_edit_shows_in_the_message_and_in_its_history(fake):
    ts = fake.client.chat_postMessage(**MESSAGE)["ts"]
    blocks = [{"type": "section", "block_id": "answer.2", "text": plain("Approved")}]
    answer = fake.client.chat_update(channel=TALK, ts=ts, text="Approved", blocks=blocks, parse="none")
    assert (answer["ts"], answer["text"], answer["channel"]) == (ts, "Approved", TALK)
    (message,) = fake.messages()
    assert (message["edits"], message["blocks"]) == (1, blocks)
    assert message["history"] == [{"text": MESSAGE["text"], "blocks": MESSAGE["blocks"]}]
    assert fake.complaints() == []


def test_an_edit_with_a_text_alone_removes_the_blocks(fake):
    ts = fake.client.chat_postMessage(**MESSAGE)["ts"]
    fake.client.chat_update(channel=TALK, ts=ts, text="gone", parse="none")
    (message,) = fake.messages()
    assert (message["text"], message["blocks"]) == ("gone", [])


def test_an_edit_with_blocks_alone_keeps_the_text(fake):
    ts = fake.client.chat_postMessage(**say("stays"))["ts"]
    fake.client.chat_update(channel=TALK, ts=ts, blocks=[{"type": "divider"}], parse="none")
    assert fake.messages()[0]["text"] == "stays"


def test_an_edit_that_uses_a_block_id_again_is_complained_of(fake):
    ts = fake.client.chat_postMessage(**MESSAGE)["ts"]
    fake.client.chat_update(channel=TALK, ts=ts, text="x", blocks=MESSAGE["blocks"][:1], parse="none")
    assert fake.complaints() == ["chat.update: `block_id` title.1 was there before; an edit wants a new one"]


def test_only_a_message_of_our_own_can_be_edited(fake):
    fake.webhook().send_dict({"text": "hello", **SAFE})
    (message,) = fake.messages()
    edit = {"text": "x", "parse": "none"}
    assert refused(fake.client.chat_update, channel=TALK, ts=message["ts"], **edit) == "cant_update_message"
    assert refused(fake.client.chat_update, channel=TALK, ts="1.000001", **edit) == "message_not_found"
    assert refused(fake.client.chat_update, channel=OTHER, ts=message["ts"], **edit) == "message_not_found"


def test_a_reply_names_a_message_of_the_same_channel(fake):
    ts = fake.client.chat_postMessage(**say("first"))["ts"]
    reply = fake.client.chat_postMessage(**say("second", thread_ts=ts, reply_broadcast=True))
    assert reply["message"]["thread_ts"] == ts
    assert [(one["thread_ts"], one["reply_broadcast"]) for one in fake.messages()] == [(None, False), (ts, True)]
    assert refused(fake.client.chat_postMessage, **say("x", thread_ts="1.000001")) == "thread_not_found"
    assert refused(fake.client.chat_postMessage, **say("x", thread_ts=ts, channel=OTHER)) == "thread_not_found"
    assert fake.complaints() == []


def test_a_reply_to_a_reply_is_complained_of(fake):
    ts = fake.client.chat_postMessage(**say("first"))["ts"]
    second = fake.client.chat_postMessage(**say("second", thread_ts=ts))["ts"]
    fake.client.chat_postMessage(**say("third", thread_ts=second))
    assert fake.complaints() == ["chat.postMessage: `thread_ts` names a reply; a thread is named by its first message"]


def test_a_message_to_a_user_opens_a_conversation(fake):
    channel = fake.client.chat_postMessage(**say("psst", channel=JANE))["channel"]
    assert channel == fake.client.conversations_open(users=JANE)["channel"]["id"] == "D0000000001"
    assert [message["text"] for message in fake.messages(channel)] == ["psst"]
    assert refused(fake.client.conversations_open, users="U0000000404") == "user_not_found"


def test_a_whisper_is_for_one_user_and_cannot_be_edited(fake):
    whisper = {"channel": TALK, "text": "You may not.", "parse": "none"}
    ts = fake.client.chat_postEphemeral(user=JANE, **whisper)["message_ts"]
    assert [message["only_for"] for message in fake.messages()] == [JANE]
    assert refused(fake.client.chat_update, ts=ts, **whisper) == "message_not_found"
    assert refused(fake.client.chat_postEphemeral, user="U0000000404", **whisper) == "user_not_in_channel"
    assert fake.complaints() == []


def test_a_trigger_opens_one_modal(fake):
    fake.state(triggers={TRIGGER: {}})
    view = fake.client.views_open(trigger_id=TRIGGER, view=MODAL)["view"]
    assert (view["callback_id"], view["state"]) == ("approve", {"values": {}})
    assert fake.complaints() == []
    assert refused(fake.client.views_open, trigger_id=TRIGGER, view=MODAL) == "exchanged_trigger_id"
    assert refused(fake.client.views_open, trigger_id="of my own", view=MODAL) == "invalid_arguments"
    assert refused(fake.client.views_open, trigger_id="1.2.ab", view=MODAL) == "invalid_trigger_id"
    fake.state(triggers={"1.2.ab": {"expired": True}})
    assert refused(fake.client.views_open, trigger_id="1.2.ab", view=MODAL) == "expired_trigger_id"
    assert fake.complaints()[1:] == ["views.open: invalid_trigger_id"]


def test_a_trigger_is_good_for_three_seconds(fake):
    young, old = (fake.control("POST", "trigger", {"user": JANE, "age": age})["trigger_id"] for age in (1, 3))
    assert refused(fake.client.views_open, trigger_id=old, view=MODAL) == "expired_trigger_id"
    assert fake.client.views_open(trigger_id=young, view=MODAL)["ok"]


def test_a_view_is_changed_while_it_is_as_the_app_knows_it(fake):
    trigger = fake.control("POST", "trigger", {"user": JANE})["trigger_id"]
    view = fake.client.views_open(trigger_id=trigger, view=MODAL)["view"]
    other = changed(MODAL, "title/text", "Too late")
    after = fake.client.views_update(view_id=view["id"], hash=view["hash"], view=other)["view"]
    assert (after["id"], after["title"]["text"], after["hash"] > view["hash"]) == (view["id"], "Too late", True)
    update = fake.client.views_update
    assert refused(update, view_id=view["id"], hash=view["hash"], view=MODAL) == "hash_conflict"
    assert refused(update, view_id="V1", view=MODAL) == "not_found"
    assert refused(update, view_id=view["id"], view=changed(MODAL, "title", GONE)) == "invalid_arguments"


def test_a_modal_that_breaks_a_rule_is_not_opened_and_keeps_the_trigger(fake):
    fake.state(triggers={TRIGGER: {}})
    broken = changed(MODAL, "title/text", "x" * 25)
    with pytest.raises(SlackApiError) as raised:
        fake.client.views_open(trigger_id=TRIGGER, view=broken)
    assert raised.value.response["error"] == "invalid_arguments"
    assert "[json-pointer:/view]" in raised.value.response["response_metadata"]["messages"][0]
    assert fake.client.views_open(trigger_id=TRIGGER, view=MODAL)["ok"]


def test_a_user_is_found_by_the_address(fake):
    assert fake.client.users_lookupByEmail(email="jane@example.com")["user"]["id"] == JANE
    assert refused(fake.client.users_lookupByEmail, email="joe@example.com") == "users_not_found"


def test_a_group_names_its_users(fake):
    assert fake.client.usergroups_users_list(usergroup=GROUP)["users"] == [JANE]
    assert refused(fake.client.usergroups_users_list, usergroup="S0000000404") == "no_such_subteam"
    assert fake.complaints() == []


# ---- refusals ----


def test_a_token_must_be_there_known_and_valid(fake):
    assert refused(fake.client_with(None).auth_test) == "not_authed"
    assert refused(fake.client_with("xoxb-other").auth_test) == "invalid_auth"
    fake.state(tokens={TOKEN: {"revoked": True}})
    assert refused(fake.client.auth_test) == "token_revoked"
    fake.state(tokens={TOKEN: {"revoked": False, "scopes": ["im:write"]}})
    assert refused(fake.client.chat_postMessage, **MESSAGE) == "missing_scope"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"channel": "C0000000404"}, "channel_not_found"),
        ({"channel": "U0000000404"}, "channel_not_found"),
        ({"channel": STRANGE}, "not_in_channel"),
        ({"channel": ""}, "invalid_arguments"),
        ({"text": "", "blocks": []}, "no_text"),
        ({"blocks": "divider"}, "invalid_blocks_format"),
        ({"blocks": [{"type": "section", "text": plain("x" * 2900)}] * 4}, "msg_blocks_too_long"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x" * 40_001}, "msg_too_long"),
    ],
)
def test_a_message_is_refused_as_slack_refuses_it(fake, change, error):
    assert refused(fake.client.chat_postMessage, **{**MESSAGE, **change}) == error
    assert fake.messages() == []


def test_an_archived_channel_takes_no_message(fake):
    fake.state(channels={TALK: {"archived": True}})
    assert refused(fake.client.chat_postMessage, **MESSAGE) == "is_archived"


def test_a_refusal_names_the_place(fake):
    broken = changed(MESSAGE, "blocks/1/fields/0/text", "x" * 2001)
    with pytest.raises(SlackApiError) as raised:
        fake.client.chat_postMessage(**broken)
    assert raised.value.response["error"] == "invalid_blocks"
    assert raised.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be at most 2000 characters, not 2001 [json-pointer:/blocks/1/fields/0/text]"
    ]
    assert fake.complaints()[0].startswith("chat.postMessage: /blocks/1/fields/0/text: must be at most")


def test_what_slack_takes_but_we_do_not_want_is_sent_and_complained_of(fake):
    fake.client.chat_postMessage(**changed(MESSAGE, "parse", GONE))
    fake.client.chat_postMessage(**changed(MESSAGE, "blocks/0/block_id", "x" * 61))
    assert fake.complaints() == [
        "chat.postMessage: /parse: must be none",
        "chat.postMessage: /blocks/0/block_id: 61 is over our budget of 60",
    ]
    assert len(fake.messages()) == 2


# ---- requests that no client should send ----

BEARER = {"authorization": f"Bearer {TOKEN}"}
AS_JSON = {"content_type": "application/json; charset=utf-8"}
AS_FORM = {"content_type": "application/x-www-form-urlencoded"}
BY_EMAIL = json.dumps({"email": "jane@example.com"})


@pytest.mark.parametrize(
    ("path", "body", "headers", "error", "complaint"),
    [
        ("chat.delete", "{}", AS_JSON, "unknown_method", "chat.delete: unknown_method"),
        ("auth.test", "{", AS_JSON, "invalid_json", "auth.test: invalid_json"),
        ("auth.test", "[]", AS_JSON, "json_not_object", "auth.test: json_not_object"),
        ("auth.test", "{}", {}, "missing_post_type", "auth.test: missing_post_type"),
        ("auth.test", "{}", {"content_type": "text/css"}, "invalid_post_type", "auth.test: invalid_post_type"),
        ("auth.test", b"\xff", AS_FORM, "invalid_form_data", "auth.test: invalid_form_data"),
        ("auth.test", "", {"authorization": "Basic eA=="}, "not_authed", "auth.test: not_authed"),
        (
            "auth.test",
            "{}",
            {"content_type": "application/json"},
            None,
            "auth.test: the content type has no charset=utf-8",
        ),
        ("auth.test?token=x", "", {}, None, "auth.test: a token is in the query string"),
        ("auth.test?pretty=1", "", {}, None, "auth.test: arguments are in the query string"),
        (
            "users.lookupByEmail",
            BY_EMAIL,
            AS_JSON,
            "invalid_arguments",
            "users.lookupByEmail: the content type is application/json",
        ),
    ],
)
def test_an_odd_request_is_complained_of(fake, path, body, headers, error, complaint):
    status, answer = fake.ask("POST", f"/api/{path}", body, **BEARER | headers)
    assert (status, answer.get("error")) == (200, error)
    assert complaint in fake.complaints()


def test_a_message_in_a_form_is_taken_and_complained_of(fake):
    form = urlencode({"channel": TALK, "text": "hello", "blocks": json.dumps(MESSAGE["blocks"])})
    _, answer = fake.ask("POST", "/api/chat.postMessage", form, **BEARER | AS_FORM)
    assert answer["ok"] and fake.messages()[0]["blocks"] == MESSAGE["blocks"]
    assert "chat.postMessage: the content type is application/x-www-form-urlencoded" in fake.complaints()


def test_a_method_that_is_read_is_complained_of(fake):
    assert fake.ask("GET", "/api/auth.test", **BEARER)[0] == 405
    assert fake.complaints() == ["auth.test: is called by GET, not by POST"]


def test_a_path_that_is_none_of_slacks_is_not_there(fake):
    assert fake.ask("POST", "/somewhere")[0] == 404
    assert fake.complaints() == ["/somewhere: nothing is here"]


# ---- incoming webhooks ----


def test_a_webhook_says_ok_and_the_message_is_seen(fake):
    answer = fake.webhook().send_dict({"text": "hello", "blocks": MESSAGE["blocks"][:2], **SAFE})
    assert (answer.status_code, answer.body) == (200, "ok")
    assert [(message["text"], message["sender"]) for message in fake.messages()] == [("hello", "webhook")]
    assert fake.complaints() == []


@pytest.mark.parametrize(
    ("path", "payload", "expected"),
    [
        (WEBHOOK, {"text": ""}, (400, "no_text")),
        (WEBHOOK, {"text": "x", "blocks": [{"type": "heading"}]}, (400, "invalid_blocks")),
        ("/services/T0000000001/B0000000001/wrong", {"text": "x"}, (403, "invalid_token")),
        ("/services/T0000000001/B0000000404/fake", {"text": "x"}, (404, "no_service")),
        ("/services/T0000000404/B0000000001/fake", {"text": "x"}, (404, "no_team")),
    ],
)
def test_a_webhook_refuses_in_plain_text(fake, path, payload, expected):
    answer = fake.webhook(path).send_dict({**SAFE, **payload})
    assert (answer.status_code, answer.body) == expected
    assert fake.messages() == []


def test_a_webhook_reads_json_or_a_form_with_json(fake):
    hello = json.dumps({"text": "hello", **SAFE})
    assert fake.ask("POST", WEBHOOK, hello, **AS_JSON) == (200, "ok")
    assert fake.ask("POST", WEBHOOK, urlencode({"payload": hello}), **AS_FORM) == (200, "ok")
    assert fake.complaints() == []
    assert fake.ask("POST", WEBHOOK, "hello", **AS_JSON) == (400, "invalid_payload")
    assert fake.ask("POST", WEBHOOK, hello, **AS_FORM) == (400, "invalid_payload")
    assert fake.complaints() == ["webhook: invalid_payload"] * 2


def test_a_webhook_needs_no_membership_but_a_channel_that_lives(fake):
    other = "/services/T0000000001/B0000000002/fake"
    fake.state(webhooks={other: {"channel": STRANGE}})
    hello = {"text": "hello", **SAFE}
    assert fake.webhook(other).send_dict(hello).body == "ok"
    fake.state(channels={STRANGE: {"archived": True}})
    answer = fake.webhook(other).send_dict(hello)
    assert (answer.status_code, answer.body) == (410, "channel_is_archived")
    fake.state(webhooks={other: {"disabled": True}})
    assert fake.webhook(other).send_dict(hello).body == "no_service"


# ---- control ----


def test_the_calls_are_told_in_order(fake):
    fake.client.chat_postMessage(**MESSAGE)
    refused(fake.client_with("xoxb-other").auth_test)
    fake.webhook().send_dict({"text": "hello", **SAFE})
    first, second, third = fake.control("GET", "calls")
    assert (first["method"], first["arguments"], first["token"]) == ("chat.postMessage", MESSAGE, TOKEN)
    assert first["answer"]["ts"] == fake.messages()[0]["ts"]
    assert (second["token"], second["answer"]) == ("xoxb-other", {"ok": False, "error": "invalid_auth"})
    assert (third["method"], third["path"], third["answer"]) == ("webhook", WEBHOOK, "ok")


def test_the_state_can_be_added_to(fake):
    fake.state(
        channels={"C0000000003": {}},
        users={"U0000000002": {"email": "joe@example.com"}},
        usergroups={"S0000000002": {"users": ["U0000000002"]}},
        tokens={"xoxb-new": {}},
    )
    client = fake.client_with("xoxb-new")
    assert client.chat_postMessage(**say("hello", channel="C0000000003"))["ok"]
    assert client.users_lookupByEmail(email="joe@example.com")["user"]["id"] == "U0000000002"
    assert client.usergroups_users_list(usergroup="S0000000002")["users"] == ["U0000000002"]
    assert fake.control("GET", "state")["channels"]["C0000000003"] == {"member": True, "archived": False}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("state", {"channel": {}}),
        ("state", {"channels": {TALK: {"archive": True}}}),
        ("state", []),
        ("faults", [{"method": "*", "kind": "404"}]),
        ("faults", [{"method": "*", "kind": "429"}]),
        ("faults", [{"method": "*", "kind": "500", "times": 0}]),
        ("faults", [{"method": "*", "kind": "500", "time": 2}]),
        ("faults", [{"kind": "500"}]),
        ("faults", {"method": "*"}),
    ],
)
def test_the_test_is_told_when_it_asks_for_nonsense(fake, path, body):
    status, answer = fake.ask("POST", f"/control/{path}", json.dumps(body))
    assert status == 400 and answer["error"]


def test_the_control_interface_knows_only_what_it_knows(fake):
    assert fake.ask("GET", "/control/everything")[0] == 404


# ---- faults ----


def test_too_many_requests_says_when_to_come_back(fake):
    fake.faults({"method": "chat.postMessage", "kind": "429", "retry_after": 30})
    with pytest.raises(SlackApiError) as raised:
        fake.client.chat_postMessage(**MESSAGE)
    assert (raised.value.response.status_code, raised.value.response["error"]) == (429, "ratelimited")
    assert raised.value.response.headers["Retry-After"] == "30"
    assert fake.messages() == []
    assert fake.client.chat_postMessage(**MESSAGE)["ok"]


def test_an_internal_error_is_no_json(fake):
    fake.faults({"method": "*", "kind": "500"})
    status, content = fake.ask("POST", "/api/auth.test", **BEARER)
    assert (status, content[:6]) == (500, "<html>")


def test_an_error_is_given_as_it_was_asked_for(fake):
    fake.faults({"method": "*", "kind": "error", "error": "fatal_error", "times": 2})
    assert [refused(fake.client.auth_test) for _ in range(2)] == ["fatal_error"] * 2
    assert fake.client.auth_test()["ok"]


def test_a_fault_is_for_the_method_that_it_names(fake):
    fake.faults(
        {"method": "chat.update", "kind": "error", "error": "first"},
        {"method": "chat.postMessage", "kind": "error", "error": "second"},
        {"method": "chat.postMessage", "kind": "error", "error": "third"},
    )
    assert fake.client.auth_test()["ok"]
    assert refused(fake.client.chat_postMessage, **MESSAGE) == "second"
    assert refused(fake.client.chat_postMessage, **MESSAGE) == "third"
    assert fake.client.chat_postMessage(**MESSAGE)["ok"]


def test_a_fault_can_last_until_it_is_taken_back(fake):
    fake.faults({"method": "*", "kind": "error", "error": "service_unavailable", "times": "forever"})
    assert {refused(fake.client.auth_test) for _ in range(5)} == {"service_unavailable"}
    fake.control("DELETE", "faults")
    assert fake.client.auth_test()["ok"]


def test_a_webhook_has_faults_in_plain_text(fake):
    fake.faults(
        {"method": "webhook", "kind": "429", "retry_after": 7},
        {"method": "webhook", "kind": "error", "error": "action_prohibited"},
    )
    limited, prohibited = (fake.webhook().send_dict({"text": "hello", **SAFE}) for _ in range(2))
    assert (limited.status_code, limited.body, limited.headers["Retry-After"]) == (429, "rate_limited", "7")
    assert (prohibited.status_code, prohibited.body) == (403, "action_prohibited")


@pytest.mark.parametrize(("kind", "seen"), [("drop", 0), ("after", 1)])
def test_a_connection_can_end_without_an_answer(fake, kind, seen):
    fake.faults({"method": "chat.postMessage", "kind": kind})
    with pytest.raises((OSError, http.client.HTTPException)):
        fake.client.chat_postMessage(**MESSAGE)
    assert len(fake.messages()) == seen
    assert [call["method"] for call in fake.control("GET", "calls")] == ["chat.postMessage"]


def test_an_answer_can_come_late(fake):
    fake.faults({"method": "auth.test", "kind": "sleep", "seconds": 0.1})
    started = time.monotonic()
    assert fake.client.auth_test()["ok"] and time.monotonic() - started >= 0.1


def test_what_is_late_holds_nobody_else_up(fake):
    fake.faults({"method": "auth.test", "kind": "sleep", "seconds": 60})
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(fake.client.auth_test)
        while not fake.control("GET", "calls"):
            assert not late.done()
        assert fake.client.chat_postMessage(**MESSAGE)["ok"] and not late.done()
        fake.close()
