"""Messages and forms of Slack as text, about as people see them."""

import re
import textwrap
from collections.abc import Iterator

WIDTH = 92
DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")


def message(content: dict) -> list[str]:
    """A message; one without blocks is its text."""
    return lines(content["blocks"]) if content["blocks"] else [content["text"]]


def form(view: dict) -> list[str]:
    buttons = f"[{view['submit']['text']}]  [{view['close']['text']}]"
    return [view["title"]["text"], "", *lines(view["blocks"]), "", buttons]


def lines(blocks: list[dict]) -> list[str]:
    return [line for block in blocks for line in of_block(block)]


def of_block(block: dict) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield from (block["text"]["text"], "")
        case "section":
            texts = [block["text"]] if "text" in block else block["fields"]
            for text in texts:
                yield from textwrap.wrap(": ".join(words(text).split("\n")), WIDTH)
        case "context":
            for element in block["elements"]:
                yield from textwrap.wrap(words(element), WIDTH)
        case "rich_text":
            for literal in "".join(texts_of(block)).splitlines():
                yield from textwrap.wrap(literal, WIDTH - 2, initial_indent="  ", subsequent_indent=" " * 12)
        case "actions":
            yield from ("", "  ".join(f"[{element['text']['text']}]" for element in block["elements"]))
        case "input":
            yield f"{block['label']['text']}: {choices(block['element'])}"


def choices(element: dict) -> str:
    options = [option["text"]["text"] for option in element.get("options", [])]
    return " | ".join(options) or "…"


def words(text: dict) -> str:
    """mrkdwn without its marks."""
    return DATE.sub(r"\1", text["text"]).replace("*", "").replace("`", "")


def texts_of(element: dict) -> Iterator[str]:
    if "text" in element:
        yield element["text"]
    for inner in element.get("elements", []):
        yield from texts_of(inner)
