"""What is wrong with a message or a modal, as three readers of Block Kit see it.

Two of them are packages: blockkit, a strict builder, and the models of slack_sdk. Neither knows every rule
of Slack, so the third is our own. On top of what Slack demands comes what we demand of ourselves.

A problem is a sentence with its place in front, as a JSON pointer: `/blocks/0: Length must be …`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator

from blockkit import core
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

# The arguments of a message, with their types in the words of TypeScript, which validate.py uses.
ARGUMENTS = {
    "channel": "string",
    "text": "string",
    "blocks": "KnownBlock[]",
    "ts": "string",
    "user": "string",
    "thread_ts": "string",
    "reply_broadcast": "boolean",
    "parse": "'none' | 'full'",
    "link_names": "boolean",
    "mrkdwn": "boolean",
    "unfurl_links": "boolean",
    "unfurl_media": "boolean",
    "metadata": "MessageMetadata",
    "username": "string",
    "icon_emoji": "string",
    "icon_url": "string",
}

# Slack documents no limit of all texts together. The shortest that is known to be refused had 11,341.
LONGEST_BLOCKS = 11_340


def problems(document: dict) -> list[str]:
    """Everything that Slack would refuse, and everything that it would take but we do not want."""
    return slack_problems(document) + house_problems(document)


def slack_problems(document: dict) -> list[str]:
    """What Slack would refuse."""
    return [problem for oracle in ORACLES.values() for problem in oracle(document)]


def is_modal(document: dict) -> bool:
    return document.get("type") == "modal"


def blocks_of(document: dict) -> list:
    blocks = document.get("blocks")
    return blocks if isinstance(blocks, list) else []


def objects(value, place: str = "") -> Iterator[tuple[str, dict]]:
    """Every object inside a value, the outermost first, with its place."""
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            yield from objects(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, f"{place}/{index}")


def one_by_one(document: dict, check_block: Callable, check_envelope: Callable) -> list[str]:
    """Checks each block, then what is around those that passed, so that one problem does not hide others."""
    found, sound = [], []
    for index, block in enumerate(blocks_of(document)):
        problem = refusal(check_block, block)
        found += [f"/blocks/{index}: {problem}"] if problem else []
        sound += [] if problem else [block]
    if problem := refusal(check_envelope, {**document, "blocks": sound}):
        found.append(f"/: {problem}")
    return found


def refusal(check: Callable, value) -> str | None:
    """What a package has against a value. The packages raise whatever they like."""
    try:
        rebuilt = check(value)
    except Exception as error:
        return str(error) or type(error).__name__
    return None if same(rebuilt, value) else "is not what comes out when it is built anew"


def same(one, other) -> bool:
    return without_blanks(one) == without_blanks(other)


def without_blanks(value):
    """Both packages leave out what is empty."""
    if isinstance(value, dict):
        return {key: without_blanks(inner) for key, inner in value.items() if inner not in (None, [])}
    return [without_blanks(inner) for inner in value] if isinstance(value, list) else value


# ---- blockkit ----
# It has no reader of JSON, so an object is turned into a call of its class: a key that the class does not
# know is a TypeError.

CLASSES = {
    "actions": core.Actions,
    "context": core.Context,
    "divider": core.Divider,
    "header": core.Header,
    "image": core.Image,
    "input": core.Input,
    "markdown": core.Markdown,
    "rich_text": core.RichText,
    "section": core.Section,
    "table": core.Table,
    "button": core.Button,
    "checkboxes": core.Checkboxes,
    "multi_static_select": core.MultiStaticSelect,
    "overflow": core.Overflow,
    "plain_text_input": core.PlainTextInput,
    "radio_buttons": core.RadioButtons,
    "static_select": core.StaticSelect,
    "users_select": core.UsersSelect,
    "raw_text": core.RawText,
    "rich_text_section": core.RichTextSection,
    "rich_text_list": core.RichTextList,
    "rich_text_preformatted": core.RichTextPreformatted,
    "rich_text_quote": core.RichTextQuote,
    "text": core.RichTextEl,
    "link": core.RichLinkEl,
    "modal": core.Modal,
}
UNTYPED = {
    "options": core.Option,
    "option_groups": core.OptionGroup,
    "initial_option": core.Option,
    "initial_options": core.Option,
    "confirm": core.Confirm,
    "style": core.RichStyle,
    "column_settings": core.ColumnSettings,
    "dispatch_action_config": core.DispatchActionConfig,
}


def by_blockkit(document: dict) -> list[str]:
    return one_by_one(document, built, built_modal if is_modal(document) else built_message)


def built_message(document: dict) -> dict:
    shown = {"text": document.get("text"), "blocks": document["blocks"]}
    return {**document, **core.Message(**{key: component(value) for key, value in shown.items()}).build()}


def built_modal(document: dict) -> dict:
    """blockkit writes a `null` of four letters where there is no private_metadata."""
    modal = built(document)
    return modal if "private_metadata" in document else {**modal, "private_metadata": None}


def built(value: dict) -> dict:
    return component(value).build()


def component(value, key: str = ""):
    """The component of blockkit that a piece of JSON stands for; `key` is where it was found."""
    if isinstance(value, list):
        return [component(inner, key) for inner in value]
    if not isinstance(value, dict):
        return value
    arguments = {name: component(inner, name) for name, inner in value.items() if name != "type"}
    return class_of(value, key)(**arguments)


def class_of(value: dict, key: str) -> Callable:
    kind = value.get("type")
    if kind is None and key in UNTYPED:
        return UNTYPED[key]
    if kind in ("plain_text", "mrkdwn"):
        return lambda **arguments: core.Text(type=kind, **arguments)
    if kind == "image" and key in ("elements", "accessory"):
        return core.ImageEl
    if kind not in CLASSES:
        raise TypeError(f"`{kind}` is no type that belongs here")
    return CLASSES[kind]


# ---- slack_sdk ----
# Its models drop what they do not know, and only a line of their log says so.


class Refusing(logging.Handler):
    """Turns a line of a log into an error."""

    def emit(self, record):
        raise ValueError(record.getMessage().split("If they should be")[0])


MODELS_LOG = logging.getLogger("slack_sdk.models")
MODELS_LOG.addHandler(Refusing())
MODELS_LOG.setLevel(logging.DEBUG)
MODELS_LOG.propagate = False


def by_slack_sdk(document: dict) -> list[str]:
    no_model = dict
    return one_by_one(document, parsed_block, parsed_view if is_modal(document) else no_model)


def parsed_block(block: dict) -> dict | None:
    return validated(Block.parse(block))


def parsed_view(view: dict) -> dict:
    return validated(View(**view))


def validated(model) -> dict:
    for inner in models(model):
        inner.validate_json()
    return model.to_dict()


def models(value) -> Iterator:
    """A model and every model inside it."""
    if hasattr(value, "validate_json"):
        yield value
        for name in value.attributes:
            yield from models(getattr(value, name, None))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from models(inner)


# ---- the rules of Slack that neither package knows ----


def by_ourselves(document: dict) -> list[str]:
    found = [problem for rule in OWN_RULES for problem in rule(document)]
    return [f"{place}: {problem}" for place, problem in found]


def blocks_are_a_list(document: dict):
    if not isinstance(document.get("blocks", []), list):
        yield "/blocks", "must be a list"


def at_most_50_blocks_are_in_a_message(document: dict):
    if not is_modal(document) and (count := len(blocks_of(document))) > 50:
        yield "/blocks", f"must be at most 50 blocks, not {count}"


def all_texts_together_are_not_too_long(document: dict):
    if not is_modal(document) and (length := text_length(blocks_of(document))) > LONGEST_BLOCKS:
        yield "/blocks", f"must have at most {LONGEST_BLOCKS} characters in all, not {length}"


def block_ids_are_unique(document: dict):
    for name in used_twice("block_id", blocks_of(document)):
        yield "/blocks", f"`block_id` {name} is there more than once"


def action_ids_are_unique_in_a_block(document: dict):
    for index, block in enumerate(blocks_of(document)):
        for name in used_twice("action_id", block):
            yield f"/blocks/{index}", f"`action_id` {name} is there more than once"


def used_twice(key: str, value) -> list[str]:
    uses = Counter(str(found[key]) for _, found in objects(value) if key in found)
    return [name for name, times in uses.items() if times > 1]


LISTS = {"actions": "elements", "context": "elements", "rich_text": "elements", "section": "fields", "table": "rows"}


def lists_are_not_empty(document: dict):
    for place, found in objects(document):
        for name in ("options", "option_groups", LISTS.get(str(found.get("type")))):
            if name and found.get(name) == []:
                yield f"{place}/{name}", "must not be empty"


def a_field_has_at_most_2000_characters(document: dict):
    for place, found in objects(document):
        for index, field in enumerate(found.get("fields") or []):
            if (length := text_length(field)) > 2000:
                yield f"{place}/fields/{index}/text", f"must be at most 2000 characters, not {length}"


def a_message_has_one_table(document: dict):
    tables = [place for place, found in objects(document) if found.get("type") == "table"]
    yield from ((place, "only one table is allowed") for place in tables[1:])


def a_modal_with_an_input_has_a_submit(document: dict):
    asks = any(found.get("type") == "input" for _, found in objects(document))
    if is_modal(document) and asks and "submit" not in document:
        yield "/submit", "is required when a block is an input"


def the_least_length_is_not_above_the_greatest(document: dict):
    for place, found in objects(document):
        if number(found, "min_length", 0) > number(found, "max_length", 3000):
            yield f"{place}/min_length", "must not be above `max_length`"


OWN_RULES = [
    blocks_are_a_list,
    at_most_50_blocks_are_in_a_message,
    all_texts_together_are_not_too_long,
    block_ids_are_unique,
    action_ids_are_unique_in_a_block,
    lists_are_not_empty,
    a_field_has_at_most_2000_characters,
    a_message_has_one_table,
    a_modal_with_an_input_has_a_submit,
    the_least_length_is_not_above_the_greatest,
]
ORACLES = {"blockkit": by_blockkit, "slack_sdk": by_slack_sdk, "own": by_ourselves}


def number(found: dict, name: str, otherwise: int) -> int:
    value = found.get(name)
    return value if isinstance(value, int) else otherwise


def text_length(value) -> int:
    """The characters of all texts inside a value. Slack does not say what it counts; these are Unicode's."""
    return sum(len(found["text"]) for _, found in objects(value) if isinstance(found.get("text"), str))


# ---- what Slack would take, but we do not want ----


def house_problems(document: dict) -> list[str]:
    found = [*texts_are_literal(document), *([] if is_modal(document) else arguments_are_safe(document))]
    return [f"{place}: {problem}" for place, problem in found]


def texts_are_literal(document: dict):
    """Slack shall make no link, mention or emoji out of a word, and nothing out of nothing."""
    for place, found in objects(document):
        if found.get("type") == "mrkdwn" and found.get("verbatim") is not True:
            yield f"{place}/verbatim", "must be true"
        if found.get("type") == "plain_text" and found.get("emoji") is True:
            yield f"{place}/emoji", "must not be true"
        for name in (name for name, inner in found.items() if inner is None):
            yield f"{place}/{name}", "must not be null; leave it out"


def arguments_are_safe(message: dict):
    if not message.get("text"):
        yield "/text", "is missing; notifications and screen readers show it"
    yield from ((f"/{name}", "is no argument of a message") for name in message if name not in ARGUMENTS)
    for name, wanted in safe_arguments(message).items():
        if message.get(name) != wanted:
            yield f"/{name}", f"must be {str(wanted).lower()}"


def safe_arguments(message: dict) -> dict:
    """An edit and an ephemeral message know no unfurling."""
    knows_unfurling = "ts" not in message and "user" not in message
    return {"parse": "none", **({"unfurl_links": False, "unfurl_media": False} if knows_unfurling else {})}


# ---- what we hold ourselves to ----

MOST_TEXT, MOST_BLOCKS, MOST_BLOCKS_OF_A_MODAL = 8000, 50, 20
# By the type of an object, or by the key it is found at: how long each of its members may be.
BUDGETS = {
    "header": {"text": 150},
    "section": {"text": 2500, "fields": 6},
    "fields": {"text": 300},
    "context": {"elements": 2},
    "actions": {"elements": 4},
    "button": {"text": 24, "value": 80},
    "options": {"text": 75, "value": 75},
    "modal": {"title": 24, "submit": 24, "close": 24, "private_metadata": 200},
}
LONGEST_ID, LONGEST_INPUT = 60, 500
# With blocks the text only stands for them; without, it is all there is.
LONGEST_NOTIFICATION, LONGEST_TEXT = 300, 2500
IDS = ("action_id", "block_id", "callback_id")


def over_budget(document: dict) -> list[str]:
    """What Slack would take, but is more than we want to ask of a reader, or too close to a limit."""
    found = [*the_whole_is_short(document), *each_part_is_short(document)]
    return [f"{place}: {amount} is over our budget of {budget}" for place, amount, budget in found if amount > budget]


def the_whole_is_short(document: dict):
    yield "/", text_length(document), MOST_TEXT
    yield "/blocks", len(blocks_of(document)), MOST_BLOCKS_OF_A_MODAL if is_modal(document) else MOST_BLOCKS
    yield "/text", size(document.get("text", "")), LONGEST_NOTIFICATION if blocks_of(document) else LONGEST_TEXT


def each_part_is_short(document: dict):
    for place, found in objects(document):
        for name, budget in budgets_of(place, found).items():
            if name in found:
                yield f"{place}/{name}", size(found[name]), budget
        for name in IDS:
            yield f"{place}/{name}", size(found.get(name, "")), LONGEST_ID
        if found.get("type") == "plain_text_input":
            yield f"{place}/max_length", number(found, "max_length", 3000), LONGEST_INPUT


def budgets_of(place: str, found: dict) -> dict[str, int]:
    keys = [key for key in place.split("/") if not key.isdigit()]
    return {**BUDGETS.get(keys[-1], {}), **BUDGETS.get(str(found.get("type")), {})}


def size(value) -> int:
    """Of a text object its characters, of a list its members."""
    return len(value) if isinstance(value, str | list) else text_length(value)
