"""A good message, a good modal, and ways to break them, each with who finds it.

A way is a sentence, the document, the place that is changed, and what stands there then.
"""

import copy

GONE = object()


def plain(text: str, **more) -> dict:
    return {"type": "plain_text", "text": text, "emoji": False, **more}


def mrkdwn(text: str, **more) -> dict:
    return {"type": "mrkdwn", "text": text, "verbatim": True, **more}


def button(number: int | str, **more) -> dict:
    return {"type": "button", "action_id": f"request:{number}", "text": plain("Review"), "value": "v1.01J8", **more}


def option(value: int | str, **more) -> dict:
    return {"text": plain(f"{value} h"), "value": str(value), **more}


def asked(name: str, element: dict, **more) -> dict:
    return {"type": "input", "block_id": name, "label": plain(name), "element": {"action_id": name, **element}, **more}


def dividers(count: int) -> list[dict]:
    return [{"type": "divider"}] * count


def table(rows: int) -> dict:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "b"}]] * rows}


MESSAGE = {
    "channel": "C0000000001",
    "text": "EKS access denied: prod-eu / arn:aws:iam::111122223333:role/dev (not mapped)",
    "parse": "none",
    "unfurl_links": False,
    "unfurl_media": False,
    "blocks": [
        {"type": "header", "block_id": "title.1", "text": plain("EKS access denied: prod-eu")},
        {
            "type": "section",
            "block_id": "facts.1",
            "fields": [mrkdwn("*Cluster*\n`prod-eu`"), mrkdwn("*Cause*\nprincipal has no access entry")],
        },
        {
            "type": "rich_text",
            "block_id": "line.1",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "level=warning …"}]}],
        },
        {"type": "section", "block_id": "remedy.1", "text": plain("Make an access entry for the role.")},
        {"type": "context", "block_id": "count.1", "elements": [plain("3 times since 10:02Z")]},
        {
            "type": "actions",
            "block_id": "answers.1",
            "elements": [
                button("open", style="primary"),
                button(
                    "deny",
                    confirm={
                        "title": plain("Dismiss?"),
                        "text": plain("Nobody is told."),
                        "confirm": plain("Dismiss"),
                        "deny": plain("Keep"),
                    },
                ),
            ],
        },
    ],
}

MODAL = {
    "type": "modal",
    "callback_id": "approve",
    "private_metadata": "v1.01J8",
    "title": plain("Review request"),
    "submit": plain("Approve"),
    "close": plain("Not now"),
    "blocks": [
        {"type": "section", "block_id": "facts", "text": plain("arn:aws:iam::111122223333:role/dev")},
        asked("policy", {"type": "static_select", "placeholder": plain("Choose"), "options": [option(1), option(2)]}),
        asked("namespaces", {"type": "multi_static_select", "options": [option(1), option(2)], "max_selected_items": 2}),
        asked("heed", {"type": "checkboxes", "options": [option(1)]}, optional=True),
        asked("hours", {"type": "radio_buttons", "options": [option(1), option(8)], "initial_option": option(1)}),
        asked("reason", {"type": "plain_text_input", "multiline": True, "max_length": 500}, hint=plain("Everyone reads it")),
    ],
}

BLOCKKIT, SDK, OWN, TSC = "blockkit", "slack_sdk", "own", "tsc"

# What Slack refuses.
MUTATIONS = [
    ("a header of 151 characters", MESSAGE, "blocks/0/text/text", "x" * 151, {BLOCKKIT, SDK}),
    ("a header without a character", MESSAGE, "blocks/0/text/text", "", {BLOCKKIT, SDK}),
    ("a header with markup", MESSAGE, "blocks/0/text", mrkdwn("x"), {BLOCKKIT, TSC}),
    ("a section of 3,001 characters", MESSAGE, "blocks/3/text/text", "x" * 3001, {BLOCKKIT, SDK}),
    ("a section of nothing", MESSAGE, "blocks/3/text", GONE, {BLOCKKIT, SDK}),
    ("a text that is a mere string", MESSAGE, "blocks/3/text", "x", {BLOCKKIT, SDK, TSC}),
    ("a text of an unknown type", MESSAGE, "blocks/3/text/type", "markdown", {BLOCKKIT, SDK, TSC}),
    ("a plain text that is verbatim", MESSAGE, "blocks/3/text/verbatim", True, {BLOCKKIT, SDK, TSC}),
    ("a text with markup and emoji", MESSAGE, "blocks/1/fields/0/emoji", True, {BLOCKKIT, SDK, TSC}),
    ("11 fields", MESSAGE, "blocks/1/fields", [mrkdwn("x")] * 11, {SDK}),
    ("no field", MESSAGE, "blocks/1/fields", [], {BLOCKKIT, SDK, OWN}),
    ("a field of 2,001 characters", MESSAGE, "blocks/1/fields/0/text", "x" * 2001, {OWN}),
    ("an accessory that is a block", MESSAGE, "blocks/3/accessory", {"type": "divider"}, {BLOCKKIT, SDK, TSC}),
    ("a context of 11 elements", MESSAGE, "blocks/4/elements", [plain("x")] * 11, {BLOCKKIT, SDK}),
    ("a button in a context", MESSAGE, "blocks/4/elements/1", button(1), {BLOCKKIT, TSC}),
    ("26 buttons", MESSAGE, "blocks/5/elements", [button(n) for n in range(26)], {BLOCKKIT, SDK}),
    ("no button", MESSAGE, "blocks/5/elements", [], {OWN}),
    ("a text among the buttons", MESSAGE, "blocks/5/elements/2", plain("x"), {BLOCKKIT, TSC}),
    ("a button of 76 characters", MESSAGE, "blocks/5/elements/0/text/text", "x" * 76, {BLOCKKIT, SDK}),
    ("a button with markup", MESSAGE, "blocks/5/elements/0/text", mrkdwn("x"), {BLOCKKIT, TSC}),
    ("a button's value of 2,001 characters", MESSAGE, "blocks/5/elements/0/value", "x" * 2001, {BLOCKKIT, SDK}),
    ("a button's URL of 3,001 characters", MESSAGE, "blocks/5/elements/0/url", "x" * 3001, {BLOCKKIT, SDK}),
    ("a button of an unknown style", MESSAGE, "blocks/5/elements/0/style", "warning", {BLOCKKIT, SDK, TSC}),
    ("a button of an unknown key", MESSAGE, "blocks/5/elements/0/colour", "red", {BLOCKKIT, SDK, TSC}),
    ("an action_id of 256 characters", MESSAGE, "blocks/5/elements/0/action_id", "x" * 256, {BLOCKKIT, SDK}),
    ("two buttons of one action_id", MESSAGE, "blocks/5/elements/0/action_id", "request:deny", {OWN}),
    ("a question's title of 101 characters", MESSAGE, "blocks/5/elements/1/confirm/title/text", "x" * 101, {BLOCKKIT, SDK}),
    ("a question of 301 characters", MESSAGE, "blocks/5/elements/1/confirm/text/text", "x" * 301, {BLOCKKIT, SDK}),
    ("a question's answer of 31 characters", MESSAGE, "blocks/5/elements/1/confirm/deny/text", "x" * 31, {BLOCKKIT, SDK}),
    ("a question without its text", MESSAGE, "blocks/5/elements/1/confirm/text", GONE, {BLOCKKIT, SDK, TSC}),
    ("a block_id of 256 characters", MESSAGE, "blocks/0/block_id", "x" * 256, {BLOCKKIT, SDK}),
    ("two blocks of one block_id", MESSAGE, "blocks/0/block_id", "facts.1", {OWN}),
    ("a block of an unknown type", MESSAGE, "blocks/0/type", "heading", {BLOCKKIT, SDK, TSC}),
    ("a block of no type", MESSAGE, "blocks/0/type", GONE, {BLOCKKIT, SDK, TSC}),
    ("a block of an unknown key", MESSAGE, "blocks/0/level", 2, {BLOCKKIT, SDK, TSC}),
    ("blocks that are no list", MESSAGE, "blocks", {"type": "divider"}, {OWN, TSC}),
    ("an image without its description", MESSAGE, "blocks/6", {"type": "image", "image_url": "x"}, {BLOCKKIT, SDK, TSC}),
    ("a mere string in a rich text", MESSAGE, "blocks/2/elements/0/elements/0", "x", {BLOCKKIT, SDK, TSC}),
    ("a table of 101 rows", MESSAGE, "blocks/6", table(101), {BLOCKKIT}),
    ("a second table", MESSAGE, "blocks", [table(1), table(1)], {OWN}),
    ("51 blocks in a message", MESSAGE, "blocks", dividers(51), {OWN}),
    ("11,600 characters in all", MESSAGE, "blocks", [{"type": "section", "text": plain("x" * 2900)}] * 4, {OWN}),
    ("metadata of no type", MESSAGE, "metadata", {"event_payload": {}}, {TSC}),
    ("101 blocks in a modal", MODAL, "blocks", dividers(101), {BLOCKKIT, SDK}),
    ("a table in a modal", MODAL, "blocks/6", table(1), {BLOCKKIT}),
    ("a title of 25 characters", MODAL, "title/text", "x" * 25, {BLOCKKIT, SDK}),
    ("a title with markup", MODAL, "title", mrkdwn("x"), {BLOCKKIT, TSC}),
    ("a modal without a title", MODAL, "title", GONE, {BLOCKKIT, TSC}),
    ("a submit of 25 characters", MODAL, "submit/text", "x" * 25, {BLOCKKIT, SDK}),
    ("a close of 25 characters", MODAL, "close/text", "x" * 25, {BLOCKKIT, SDK}),
    ("an input without a submit", MODAL, "submit", GONE, {OWN}),
    ("private_metadata of 3,001 characters", MODAL, "private_metadata", "x" * 3001, {BLOCKKIT, SDK}),
    ("a callback_id of 256 characters", MODAL, "callback_id", "x" * 256, {BLOCKKIT, SDK}),
    ("an input without a label", MODAL, "blocks/1/label", GONE, {BLOCKKIT, SDK, TSC}),
    ("a label of 2,001 characters", MODAL, "blocks/1/label/text", "x" * 2001, {BLOCKKIT, SDK}),
    ("a hint of 2,001 characters", MODAL, "blocks/5/hint/text", "x" * 2001, {BLOCKKIT, SDK}),
    ("a button as an input", MODAL, "blocks/1/element", button(1), {BLOCKKIT, SDK, TSC}),
    ("a placeholder of 151 characters", MODAL, "blocks/1/element/placeholder/text", "x" * 151, {BLOCKKIT, SDK}),
    ("101 options to select", MODAL, "blocks/1/element/options", [option(n) for n in range(101)], {BLOCKKIT, SDK}),
    ("no option to select", MODAL, "blocks/1/element/options", [], {BLOCKKIT, OWN}),
    ("101 options to select some of", MODAL, "blocks/2/element/options", [option(n) for n in range(101)], {BLOCKKIT, SDK}),
    ("a select of at most none", MODAL, "blocks/2/element/max_selected_items", 0, {BLOCKKIT}),
    ("first choices that are no options", MODAL, "blocks/2/element/initial_options", [option(3)], {BLOCKKIT}),
    ("a select of an unknown key", MODAL, "blocks/2/element/max_selected", 2, {BLOCKKIT, SDK, TSC}),
    ("11 checkboxes", MODAL, "blocks/3/element/options", [option(n) for n in range(11)], {BLOCKKIT}),
    ("no checkbox", MODAL, "blocks/3/element/options", [], {OWN}),
    ("11 radio buttons", MODAL, "blocks/4/element/options", [option(n) for n in range(1, 12)], {BLOCKKIT}),
    ("an option of 76 characters", MODAL, "blocks/1/element/options/0/text/text", "x" * 76, {BLOCKKIT}),
    ("an option's value of 151 characters", MODAL, "blocks/1/element/options/0/value", "x" * 151, {BLOCKKIT}),
    ("a first choice that is no option", MODAL, "blocks/4/element/initial_option", option(3), {BLOCKKIT}),
    ("an answer of up to 3,001 characters", MODAL, "blocks/5/element/max_length", 3001, {BLOCKKIT}),
    ("an answer longer than it may be", MODAL, "blocks/5/element/min_length", 501, {OWN}),
]

# What Slack takes, but we do not want.
UNWANTED = [
    ("markup read once more", MESSAGE, "blocks/1/fields/0/verbatim", GONE, "/blocks/1/fields/0/verbatim: must be true"),
    ("emoji", MESSAGE, "blocks/0/text/emoji", True, "/blocks/0/text/emoji: must not be true"),
    ("emoji in a modal", MODAL, "title/emoji", True, "/title/emoji: must not be true"),
    ("words that become links", MESSAGE, "parse", "full", "/parse: must be none"),
    ("no word on what becomes of words", MESSAGE, "parse", GONE, "/parse: must be none"),
    ("links that unfold", MESSAGE, "unfurl_links", True, "/unfurl_links: must be false"),
    ("no word on pictures that unfold", MESSAGE, "unfurl_media", GONE, "/unfurl_media: must be false"),
    ("nothing for a notification", MESSAGE, "text", GONE, "/text: is missing; notifications and screen readers show it"),
    ("a null", MESSAGE, "blocks/0/block_id", None, "/blocks/0/block_id: must not be null; leave it out"),
    ("a misspelt argument", MESSAGE, "unfurl_link", False, "/unfurl_link: is no argument of a message"),
]

# What is more than we want.
LAVISH = [
    ("more than 8,000 characters in all", MESSAGE, "blocks", [{"type": "section", "text": plain("x" * 2000)}] * 4, "/"),
    ("51 blocks", MESSAGE, "blocks", dividers(51), "/blocks"),
    ("21 blocks of a modal", MODAL, "blocks", dividers(21), "/blocks"),
    ("a notification of 301 characters", MESSAGE, "text", "x" * 301, "/text"),
    ("a header of 151 characters", MESSAGE, "blocks/0/text/text", "x" * 151, "/blocks/0/text"),
    ("7 fields", MESSAGE, "blocks/1/fields", [mrkdwn("x")] * 7, "/blocks/1/fields"),
    ("a field of 301 characters", MESSAGE, "blocks/1/fields/0/text", "x" * 301, "/blocks/1/fields/0/text"),
    ("a section of 2,501 characters", MESSAGE, "blocks/3/text/text", "x" * 2501, "/blocks/3/text"),
    ("a context of 3 elements", MESSAGE, "blocks/4/elements", [plain("x")] * 3, "/blocks/4/elements"),
    ("5 buttons", MESSAGE, "blocks/5/elements", [button(n) for n in range(5)], "/blocks/5/elements"),
    ("a button of 25 characters", MESSAGE, "blocks/5/elements/0/text/text", "x" * 25, "/blocks/5/elements/0/text"),
    ("a button's value of 81 characters", MESSAGE, "blocks/5/elements/0/value", "x" * 81, "/blocks/5/elements/0/value"),
    ("a block_id of 61 characters", MESSAGE, "blocks/0/block_id", "x" * 61, "/blocks/0/block_id"),
    ("an option's value of 76", MODAL, "blocks/1/element/options/0/value", "x" * 76, "/blocks/1/element/options/0/value"),
    ("an answer of any length", MODAL, "blocks/5/element/max_length", GONE, "/blocks/5/element/max_length"),
    ("private_metadata of 201 characters", MODAL, "private_metadata", "x" * 201, "/private_metadata"),
]


def changed(document: dict, place: str, value) -> dict:
    """A copy of a document with another value at a place; one past the end of a list is a place too."""
    copied = copy.deepcopy(document)
    *way, last = (int(key) if key.isdigit() else key for key in place.split("/"))
    target = copied
    for key in way:
        target = target[key]
    if value is GONE:
        del target[last]
    elif isinstance(target, list) and last == len(target):
        target.append(value)
    else:
        target[last] = value
    return copied
