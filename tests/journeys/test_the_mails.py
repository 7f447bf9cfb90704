"""Every mail as a mailbox on a phone and on a desk would show it: nothing spills, nothing is hard to read."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from accounts.mail import all_registered, render_sample
from tests.accounts.mail_parts import html_of
from tests.support.accessibility import serious_problems

pytestmark = [pytest.mark.browser]
WIDTHS = (390, 700)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_mail_is_readable_on_a_phone_and_on_a_desk(
    browser: Browser, networks: Any, scheme: Any, language: str
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    problems: list[str] = []
    for mail in all_registered():
        page.set_content(html_of(render_sample(mail, language=language)))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            spill = page.evaluate("document.documentElement.scrollWidth")
            if spill > width:
                problems.append(f"{mail.template} is {spill} wide on {width}")
        assert page.locator(".preheader").is_hidden()
        problems += [f"{mail.template}: {problem}" for problem in serious_problems(page)]
    context.close()
    assert problems == []
