"""Pages to list and read the caught mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from devnet.mailcatcher.store import Caught


def listing(messages: Sequence[Caught]) -> str:
    """The newest first."""
    if not messages:
        return '<p class="panel soft">No mail yet. What the portal sends shows up here, whoever it is for.</p>'
    items = "".join(
        f'<li><a href="/mail/{each.id}"><span class="subject">{escape(each.subject) or "(no subject)"}</span>'
        f'<time class="soft" datetime="{each.received_at:%Y-%m-%dT%H:%M:%SZ}">'
        f"{each.received_at:%d.%m. %H:%M:%S} UTC</time>"
        f'<span class="who">to {escape(each.to)}</span></a></li>'
        for each in messages
    )
    return f"""<div class="row"><p class="soft">{len(messages)} kept, the newest first</p>
<form method="post" action="/mail/clear"><button class="quiet">Delete all</button></form></div>
<div class="panel"><ul class="list">{items}</ul></div>"""


def reading(message: Caught) -> str:
    """One message: its links to click, its HTML in a sandbox, its text, its headers."""
    facts = [("From", message.sender), ("To", message.to), ("Received", f"{message.received_at:%d.%m.%Y %H:%M:%S} UTC")]
    shown = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    html = (
        f'<section class="panel"><h2>HTML</h2><iframe title="The message as HTML" '
        f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mail/{message.id}/html"></iframe></section>'
        if message.html
        else ""
    )
    headers = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in message.headers)
    return f"""<p><a href="/mail/">← All mail</a></p>
<div class="panel"><dl>{shown}</dl></div>
{html}
<section class="panel"><h2>Text</h2><pre>{_with_links(message.text)}</pre></section>
<section class="panel"><details><summary>Headers</summary><dl>{headers}</dl></details></section>"""


def _with_links(text: str) -> str:
    return re.sub(
        r"https?://[^\s<>&\"']+(?:&amp;[^\s<>&\"']+)*",
        lambda found: f'<a href="{found[0]}">{found[0]}</a>',
        escape(text),
    )
