"""How customers write: a normal form of texts for the classifiers, and signs of anger."""

from __future__ import annotations

import re

_SHORTHAND = {
    "2": "to", "4": "for", "b4": "before", "im": "i am", "ive": "i have", "nr": "number",
    "pls": "please", "plz": "please", "r": "are", "ta": "thanks", "thnx": "thanks",
    "thx": "thanks", "tmrw": "tomorrow", "ty": "thanks", "u": "you", "ur": "your",
    "wanna": "want to", "wheres": "where is", "whats": "what is",
}  # fmt: skip
_ORDER_NUMBER = re.compile(r"(?:\bnt[- ]?|#|\b)\d{5}\b")
_MONEY = re.compile(r"[£$€]")
_NUMBER = re.compile(r"\b\d{2,}\b")
_EMPHASIS = re.compile(r"!!+|\?\?+")
_WORD = re.compile(r"[a-z0-9']+")

_ANGER = re.compile(
    r"\b(?:unacceptable|ridiculous|furious|livid|angry|appall\w+|disgrace\w*|disgust\w*|outrag\w+|"
    r"pathetic|rubbish|useless|worst|terrible|awful|fed up|a joke|had enough|shame|shocking|"
    r"incompetent|complain\w*|scandal|crap|never again|losing my patience|sick of)\b",
    re.IGNORECASE,
)
_SHOUTING = re.compile(r"\b[A-Z]{4,}\b(?:\W+\b[A-Z]{3,}\b){2,}")
_HUMAN = re.compile(
    r"\b(?:(?:real|actual|living) (?:person|human)|human(?: being)?|"
    r"(?:speak|talk|chat|write) (?:to|with) (?:a |an |some|your |the )?"
    r"(?:person|someone|somebody|one|body|colleague|manager|supervisor|employee|staff)|"
    r"(?:a|your) (?:manager|supervisor)|not a (?:bot|machine|robot)|call me)\b",
    re.IGNORECASE,
)


def normalised(text: str) -> str:
    """The text in lower case, shorthand spelled out, numbers and emphasis as words."""
    text = text.lower().replace("’", "'")
    text = _ORDER_NUMBER.sub(" ordernumber ", text)
    text = _MONEY.sub(" money ", text)
    text = _NUMBER.sub(" number ", text)
    text = _EMPHASIS.sub(" emphasis ", text)
    text = text.replace("?", " questionmark ")
    text = _WORD.sub(lambda found: _SHORTHAND.get(found[0], found[0]), text)
    return text.replace("'", "")


def sounds_upset(text: str) -> bool:
    """Whether the text has words of anger, or shouts."""
    return bool(_ANGER.search(text) or _SHOUTING.search(text))


def asks_for_human(text: str) -> bool:
    """Whether the text asks for a person instead of an agent."""
    return bool(_HUMAN.search(text))
