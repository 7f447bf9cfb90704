"""The look of the devnet's pages: one shell, one style sheet, no script that anything depends on."""

from __future__ import annotations

from html import escape
from pathlib import Path

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def page(title: str, body: str, *, here: str, site_url: str) -> bytes:
    """A whole page; `body` is HTML, the other texts are escaped."""
    links = [("/faucet/", "Faucet"), ("/mail/", "Mail"), ("/codes/", "Codes")]
    navigation = "".join(
        f'<a href="{href}"{" aria-current=page" if href == here else ""}>{name}</a>' for href, name in links
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Exchequer devnet</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><a class="name" href="/">Exchequer <span>devnet</span></a><nav aria-label="Pages">{navigation}</nav>
<a class="out" href="{escape(site_url)}">To the portal</a></header>
<main><h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
""".encode()
