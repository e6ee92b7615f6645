"""A workspace of Slack in memory: who and what there is, and the methods that a bot may call.

As strict as Slack, and a little stricter where Slack only looks away: that becomes a complaint.
"""

import copy
import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import rules

TEAM, BOT, BOT_USER, APP = "T0000000001", "B0000000000", "U0000000000", "A0000000001"
TOKEN = "xoxb-fake-0000"
# What the app's interactions are signed with; the example of Slack's own documentation.
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SCOPES = ["chat:write", "im:write", "usergroups:read", "users:read", "users:read.email"]
WEBHOOK = f"/services/{TEAM}/B0000000001/fake"
LONGEST_TEXT = 40_000
TRIGGER = re.compile(r"\d+\.\d+\.[0-9a-f]+")
# Seconds that a trigger is good for.
TRIGGER_AGE = 3
# Answers that only a mistake in a program can bring about.
MISTAKES = {"not_authed", "invalid_arguments", "invalid_blocks_format", "invalid_trigger_id", "msg_too_long"}


class Refusal(Exception):
    """What Slack answers instead of doing it."""

    def __init__(self, error: str, **more):
        super().__init__(error)
        self.error = error
        self.answer = {"ok": False, "error": error, **more}


def invalid(error: str, *messages: str) -> Refusal:
    return Refusal(error, response_metadata={"messages": [f"[ERROR] {message}" for message in messages]})


@dataclass(frozen=True)
class Method:
    """What a method needs, and how it is done."""

    do: Callable
    scope: str | None
    required: tuple[str, ...] = ()
    takes_json: bool = True
    takes_forms: bool = True


class Workspace:
    def __init__(self, url: str = ""):
        # Where this Slack is.
        self.url = url
        self.state = {
            "tokens": {TOKEN: {"revoked": False, "scopes": SCOPES}},
            "channels": {
                "C0000000001": {"member": True, "archived": False},
                "C0000000002": {"member": True, "archived": False},
                "C0000000009": {"member": False, "archived": False},
            },
            "users": {"U0000000001": {"email": "jane@example.com"}},
            "usergroups": {"S0000000001": {"users": ["U0000000001"]}},
            "webhooks": {WEBHOOK: {"channel": "C0000000001", "disabled": False}},
            "triggers": {},
        }
        self.messages: dict[str, list[dict]] = {}
        # By id: the view, whose it is, whether it is open, what was wrong with the last submission.
        self.views: dict[str, dict] = {}
        self.complaints: list[str] = []
        self.microseconds = 0
        self.numbers = 0

    def change(self, changes: dict[str, dict[str, dict]]) -> None:
        """Adds to what there is, or changes it: by kind, by id, what is new of it."""
        for kind, entries in changes.items():
            require_known([kind], BLANKS)
            for name, entry in entries.items():
                require_known(entry, BLANKS[kind])
                self.state[kind].setdefault(name, copy.copy(BLANKS[kind])).update(entry)

    def complain(self, method: str, what: str) -> None:
        self.complaints.append(f"{method}: {what}")

    def next_ts(self) -> str:
        self.microseconds = max(self.microseconds + 1, time.time_ns() // 1000)
        seconds, fraction = divmod(self.microseconds, 1_000_000)
        return f"{seconds}.{fraction:06}"

    def next_number(self) -> int:
        self.numbers += 1
        return 1_000_000_000_000 + self.numbers

    def name_of(self, user: str) -> str:
        return self.state["users"].get(user, {"email": ""})["email"].split("@")[0] or user.lower()

    # ---- the way into every method ----

    def call(self, name: str, arguments: dict, token: str | None) -> dict:
        try:
            method = METHODS[name]
            self.require_token(token, method.scope)
            require_arguments(method, arguments)
            return {"ok": True, **method.do(self, arguments)}
        except Refusal as refusal:
            if refusal.error in MISTAKES:
                self.complain(name, f"{refusal.error} {refusal.answer.get('response_metadata', '')}".strip())
            return refusal.answer

    def require_token(self, token: str | None, scope: str | None) -> None:
        if not token:
            raise Refusal("not_authed")
        known = self.state["tokens"].get(token)
        if known is None:
            raise Refusal("invalid_auth")
        if known["revoked"]:
            raise Refusal("token_revoked")
        if scope and scope not in known["scopes"]:
            raise Refusal("missing_scope", needed=scope, provided=",".join(known["scopes"]))

    # ---- reading ----

    def auth_test(self, _: dict) -> dict:
        who = {"team": "Fake", "user": "eks-access", "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT}
        return {"url": "https://fake.example.com/", **who, "is_enterprise_install": False}

    def users_lookup_by_email(self, arguments: dict) -> dict:
        for user, known in self.state["users"].items():
            if known["email"] == arguments["email"]:
                return {"user": {"id": user, "team_id": TEAM, "deleted": False, "profile": {"email": known["email"]}}}
        raise Refusal("users_not_found")

    def usergroups_users_list(self, arguments: dict) -> dict:
        group = self.state["usergroups"].get(arguments["usergroup"])
        if group is None:
            raise Refusal("no_such_subteam")
        return {"users": group["users"]}

    def conversations_open(self, arguments: dict) -> dict:
        users = str(arguments["users"]).split(",")
        if len(users) != 1:
            raise Refusal("method_not_supported_for_channel_type")
        if users[0] not in self.state["users"]:
            raise Refusal("user_not_found")
        return {"channel": {"id": self.direct_channel(users[0])}}

    # ---- channels ----

    def direct_channel(self, user: str) -> str:
        channel = f"D{user[1:]}"
        self.state["channels"].setdefault(channel, {"member": True, "archived": False})
        return channel

    def open_channel(self, channel: str, as_member: bool = True) -> str:
        """The channel, if it may be written to."""
        known = self.state["channels"].get(channel)
        if known is None:
            raise Refusal("channel_not_found")
        if as_member and not known["member"]:
            raise Refusal("not_in_channel")
        if known["archived"]:
            raise Refusal("is_archived")
        return channel

    def channel_or_user(self, name: str) -> str:
        return self.open_channel(self.direct_channel(name) if name in self.state["users"] else name)

    # ---- messages ----

    def chat_post_message(self, arguments: dict) -> dict:
        self.look_at("chat.postMessage", arguments)
        channel = self.channel_or_user(arguments["channel"])
        message = self.add_message("chat.postMessage", channel, arguments, sender="bot")
        return {"channel": channel, "ts": message["ts"], "message": as_answered(message)}

    def chat_post_ephemeral(self, arguments: dict) -> dict:
        self.look_at("chat.postEphemeral", arguments)
        channel = self.open_channel(arguments["channel"])
        if arguments["user"] not in self.state["users"]:
            raise Refusal("user_not_in_channel")
        message = self.add_message("chat.postEphemeral", channel, arguments, "bot", only_for=arguments["user"])
        return {"message_ts": message["ts"]}

    def chat_update(self, arguments: dict) -> dict:
        self.look_at("chat.update", arguments)
        channel = self.open_channel(arguments["channel"])
        message = self.message(channel, arguments["ts"])
        if message is None:
            raise Refusal("message_not_found")
        if message["sender"] != "bot":
            raise Refusal("cant_update_message")
        require_content(arguments)
        self.edit(message, arguments)
        return {"channel": channel, "ts": message["ts"], "text": message["text"], "message": as_answered(message)}

    def edit(self, message: dict, arguments: dict) -> None:
        """With a text and no blocks, the old blocks are gone."""
        blocks = arguments.get("blocks", [] if "text" in arguments else message["blocks"])
        for name in sorted(block_ids(blocks) & block_ids(message["blocks"])):
            self.complain("chat.update", f"`block_id` {name} was there before; an edit wants a new one")
        message["history"].append({"text": message["text"], "blocks": message["blocks"]})
        message |= {"text": arguments.get("text", message["text"]), "blocks": blocks, "edits": message["edits"] + 1}

    def add_message(self, method: str, channel: str, content: dict, sender: str, only_for: str | None = None) -> dict:
        require_content(content)
        self.require_thread(method, channel, content.get("thread_ts"))
        message = {
            "ts": self.next_ts(),
            "text": content.get("text", ""),
            "blocks": content.get("blocks", []),
            "thread_ts": content.get("thread_ts"),
            "reply_broadcast": content.get("reply_broadcast", False),
            "edits": 0,
            "history": [],
            "sender": sender,
            "only_for": only_for,
        }
        self.messages.setdefault(channel, []).append(message)
        return message

    def message(self, channel: str, ts: str) -> dict | None:
        """A message that everyone sees; an ephemeral one has no `ts` that Slack would take."""
        messages = self.messages.get(channel, [])
        return next((one for one in messages if one["ts"] == ts and not one["only_for"]), None)

    def shown_message(self, channel: str, ts: str, user: str) -> dict | None:
        """A message that this user sees, ephemeral or not."""
        messages = self.messages.get(channel, [])
        return next((one for one in messages if one["ts"] == ts and one["only_for"] in (None, user)), None)

    def require_thread(self, method: str, channel: str, ts: str | None) -> None:
        if ts is None:
            return
        parent = self.message(channel, ts)
        if parent is None:
            raise Refusal("thread_not_found")
        if parent["thread_ts"]:
            self.complain(method, "`thread_ts` names a reply; a thread is named by its first message")

    def look_at(self, method: str, document: dict) -> None:
        for problem in rules.problems(document) + rules.over_budget(document):
            self.complain(method, problem)

    # ---- modals ----

    def views_open(self, arguments: dict) -> dict:
        view = arguments["view"]
        if not isinstance(view, dict) or not rules.is_modal(view):
            raise invalid("invalid_arguments", "must be a modal [json-pointer:/view]")
        self.require_sound_view("views.open", view)
        user = self.use_trigger(arguments["trigger_id"])
        kept = {"view": self.as_kept(view), "user": user, "is_open": True, "submissions": 0, "errors": {}}
        self.views[kept["view"]["id"]] = kept
        return {"view": kept["view"]}

    def require_sound_view(self, method: str, view: dict) -> None:
        self.look_at(method, view)
        if found := rules.slack_problems(view):
            raise invalid("invalid_arguments", *(as_pointed(problem, "/view") for problem in found))

    def views_update(self, arguments: dict) -> dict:
        view = arguments["view"]
        if not isinstance(view, dict) or not rules.is_modal(view):
            raise invalid("invalid_arguments", "must be a modal [json-pointer:/view]")
        self.require_sound_view("views.update", view)
        kept = self.views.get(arguments["view_id"])
        if kept is None or not kept["is_open"]:
            raise Refusal("not_found")
        if arguments.get("hash", kept["view"]["hash"]) != kept["view"]["hash"]:
            raise Refusal("hash_conflict")
        self.change_view(kept, view)
        return {"view": kept["view"]}

    def change_view(self, kept: dict, view: dict) -> None:
        kept["view"] = self.as_kept(view, kept["view"]["id"])
        kept["errors"] = {}

    def as_kept(self, view: dict, name: str | None = None) -> dict:
        """A view with everything that Slack adds to it."""
        ts = self.next_ts()
        name = name or f"V{ts.replace('.', '')}"
        of_slack = {"id": name, "team_id": TEAM, "hash": ts, "state": {"values": {}}, "app_id": APP, "bot_id": BOT}
        of_stack = {"root_view_id": name, "previous_view_id": None, "app_installed_team_id": TEAM}
        blanks = {"private_metadata": "", "callback_id": "", "clear_on_close": False, "notify_on_close": False}
        blocks = with_block_ids(view["blocks"])
        return {**blanks, "external_id": "", **view, "blocks": blocks, **of_slack, **of_stack}

    def opened_view(self, name: str | None) -> dict:
        """The open view of this id, or the one that was opened last."""
        opened = [kept for kept in self.views.values() if kept["is_open"] and name in (None, kept["view"]["id"])]
        if not opened:
            raise ValueError(f"there is no open view {name or ''}".strip())
        return opened[-1]

    def give_trigger(self, user: str, age: float = 0) -> str:
        number = self.next_number()
        trigger = f"{number}.{number}.{number:032x}"
        self.state["triggers"][trigger] = {**BLANKS["triggers"], "user": user, "at": time.time() - age}
        return trigger

    def use_trigger(self, trigger: str) -> str:
        """Who interacted. A trigger is good once, and not for long."""
        if not TRIGGER.fullmatch(str(trigger)):
            raise invalid("invalid_arguments", "invalid `trigger_id`")
        known = self.state["triggers"].get(trigger)
        if known is None:
            raise Refusal("invalid_trigger_id")
        if known["used"]:
            raise Refusal("exchanged_trigger_id")
        if known["expired"] or time.time() - (known["at"] or time.time()) > TRIGGER_AGE:
            raise Refusal("expired_trigger_id")
        known["used"] = True
        return known["user"]

    # ---- incoming webhooks ----

    def webhook(self, path: str, payload: dict) -> None:
        hook = self.require_webhook(path)
        self.look_at("webhook", payload)
        channel = self.open_channel(hook["channel"], as_member=False)
        self.add_message("webhook", channel, payload, sender="webhook")

    def require_webhook(self, path: str) -> dict:
        if path.split("/")[2] != TEAM:
            raise Refusal("no_team")
        hook = self.state["webhooks"].get(path)
        if hook is not None and not hook["disabled"]:
            return hook
        same_but_secret = any(known.rsplit("/", 1)[0] == path.rsplit("/", 1)[0] for known in self.state["webhooks"])
        raise Refusal("invalid_token" if same_but_secret and hook is None else "no_service")


# What an entry of the state is, as far as nothing is said of it.
BLANKS = {
    "tokens": {"revoked": False, "scopes": SCOPES},
    "channels": {"member": True, "archived": False},
    "users": {"email": ""},
    "usergroups": {"users": []},
    "webhooks": {"channel": "C0000000001", "disabled": False},
    # Without the time that it was given out it does not age.
    "triggers": {"used": False, "expired": False, "user": "U0000000001", "at": None},
}

METHODS = {
    "auth.test": Method(Workspace.auth_test, None),
    "chat.postEphemeral": Method(Workspace.chat_post_ephemeral, "chat:write", ("channel", "user"), takes_forms=False),
    "chat.postMessage": Method(Workspace.chat_post_message, "chat:write", ("channel",), takes_forms=False),
    "chat.update": Method(Workspace.chat_update, "chat:write", ("channel", "ts"), takes_forms=False),
    "conversations.open": Method(Workspace.conversations_open, "im:write", ("users",)),
    "usergroups.users.list": Method(
        Workspace.usergroups_users_list, "usergroups:read", ("usergroup",), takes_json=False
    ),
    "users.lookupByEmail": Method(Workspace.users_lookup_by_email, "users:read.email", ("email",), takes_json=False),
    "views.open": Method(Workspace.views_open, None, ("trigger_id", "view"), takes_forms=False),
    "views.update": Method(Workspace.views_update, None, ("view_id", "view"), takes_forms=False),
}


def require_known(names: Iterable[str], known: Collection[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")


def require_arguments(method: Method, arguments: dict) -> None:
    if missing := [name for name in method.required if arguments.get(name) in (None, "")]:
        raise invalid("invalid_arguments", *(f"missing required field: {name}" for name in missing))


def require_content(content: dict) -> None:
    """A text or blocks, and neither of them such that Slack refuses it."""
    blocks = content.get("blocks", [])
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    if not content.get("text") and not blocks:
        raise Refusal("no_text")
    if len(str(content.get("text", ""))) > LONGEST_TEXT:
        raise Refusal("msg_too_long")
    require_sound_blocks(content)


def require_sound_blocks(content: dict) -> None:
    found = rules.slack_problems(content)
    if len(found) == 1 and rules.text_length(rules.blocks_of(content)) > rules.LONGEST_BLOCKS:
        raise Refusal("msg_blocks_too_long")
    if found:
        raise invalid("invalid_blocks", *map(as_pointed, found))


def as_pointed(problem: str, root: str = "") -> str:
    """A problem as Slack words it, with the place behind."""
    place, what = problem.split(": ", 1)
    return f"{what} [json-pointer:{root}{place.rstrip('/')}]"


def as_answered(message: dict) -> dict:
    shown = {name: message[name] for name in ("ts", "text", "blocks", "thread_ts") if message[name]}
    return {"type": "message", "user": BOT_USER, "bot_id": BOT, "app_id": APP, "team": TEAM, **shown}


def with_block_ids(blocks: list[dict]) -> list[dict]:
    """Blocks as Slack gives them back: one without a `block_id` has got one."""
    return [{**copy.deepcopy(block), "block_id": block.get("block_id", f"b{index}")} for index, block in enumerate(blocks)]


def block_ids(blocks: list) -> set[str]:
    return {block["block_id"] for block in blocks if "block_id" in block}
