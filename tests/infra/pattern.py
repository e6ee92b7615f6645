"""The documented grammar of CloudWatch Logs filter patterns for unstructured log events.

No emulator evaluates these patterns as AWS does, so this is written from the documentation ("Filter
pattern syntax for metric filters, subscription filters, filter log events, and Live Tail"):

- terms stand side by side, with spaces between them;
- a term is a word of letters, digits and underscores, or anything in double quotes;
- a plain term must be in the event; `-term` must not; of several `?term`, one must be;
- upper and lower case differ;
- `?` does not work beside other terms: AWS then ignores the `?` and everything is wanted.

Where the documentation is silent we take both readings, so that a proof never rests on the kinder one:
whether a term must be a whole word (`whole_words=True`) or may be part of one. An event that must be
delivered has to match in the stricter reading, one that must not has to fail in the looser one.
"""

import re
from dataclasses import dataclass

TOKEN = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)+)"|(?P<word>\w+))(?=\s|$)')


@dataclass(frozen=True)
class Pattern:
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    any_of: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
        at = 0
        while text[at:].strip():
            token = TOKEN.match(text, at)
            if token is None:
                raise ValueError(f"not a term: {text[at:]!r}; anything but letters, digits and _ needs quotes")
            term = token["word"] or re.sub(r"\\(.)", r"\1", token["quoted"])
            terms[token["sign"]].append(term)
            at = token.end()
        if terms["?"] and (terms[""] or terms["-"]):
            raise ValueError("`?` beside other terms: AWS ignores the `?`")
        return cls(*(tuple(terms[sign]) for sign in ("", "-", "?")))

    def matches(self, message: str, *, whole_words: bool) -> bool:
        def has(term: str) -> bool:
            return bool(re.search(rf"(?<!\w){re.escape(term)}(?!\w)" if whole_words else re.escape(term), message))

        return (
            all(map(has, self.wanted))
            and not any(map(has, self.unwanted))
            and (not self.any_of or any(map(has, self.any_of)))
        )
