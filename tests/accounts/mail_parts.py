"""What a person reads of a mail's HTML."""

from __future__ import annotations

from html.parser import HTMLParser

from django.core.mail import EmailMultiAlternatives

HIDDEN = {"style", "title"}
PADDING = str.maketrans("", "", "\u200c\u034f\ufeff")


class Text(HTMLParser):
    """The words, the facts of its tables, its paragraphs and where its links go."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.facts: list[tuple[str, str]] = []
        self.paragraphs: list[str] = []
        self.preheader = ""
        self._open: list[tuple[str, str]] = []
        self._words: dict[str, list[str]] = {}
        self._all: list[str] = []
        self._is_button = False
        self.feed(html)
        self.all_words = " ".join(self._all)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given["href"])
            self._is_button |= "button" in given.get("class", "")  # its address is a link of the text too
        if tag not in {"meta", "br", "link", "img"}:
            self._open.append((tag, given.get("class", "")))
        if tag in {"th", "td", "p", "div"}:
            self._words[tag] = []

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        said = " ".join(" ".join(self._words.get(tag, [])).split())
        if tag == "td" and self._words.get("th"):
            self.facts.append((" ".join(self._words.pop("th")), said))
        if tag == "p" and said and not self._is_button:
            self.paragraphs.append(said)
        if tag == "p":
            self._is_button = False
        if tag == "div" and not self.preheader:
            self.preheader = said

    def handle_data(self, data: str) -> None:
        names = [name for name, _class in self._open]
        if HIDDEN & set(names):
            return
        words = data.translate(PADDING).split()
        for tag in ("th", "td", "p", "div"):
            if tag in names:
                self._words.setdefault(tag, []).extend(words)
        if ("div", "preheader") not in self._open:
            self._all += words


def html_of(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])
