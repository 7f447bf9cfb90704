"""The watcher's tasks: one message per network, so that a slow or broken one holds up no other."""

from __future__ import annotations

import logging

from celery import shared_task

from treasury import deposits
from treasury.chains import registry
from treasury.chains.errors import ChainError
from treasury.dispatch import wake

logger = logging.getLogger(__name__)


@shared_task(name="treasury.tasks.scan_all_networks")
def scan_all_networks() -> None:
    """Ask for a scan of every network."""
    for code in registry.networks():
        wake("treasury.tasks.scan_network", code)


@shared_task(name="treasury.tasks.scan_network")
def scan_network(network_code: str) -> None:
    """Follow one network to its head."""
    try:
        report = deposits.follow_network(network_code)
    except ChainError as error:
        logger.warning("scan of %s: %s: %s", network_code, type(error).__name__, error)
        return
    if report is not None and (report.stored or report.rewinds or report.note):
        logger.info("scan of %s: %s", network_code, report)


@shared_task(name="treasury.tasks.scan_foreign_tokens")
def scan_foreign_tokens() -> None:
    """Look for other tokens on every network."""
    for code in registry.networks():
        try:
            found = deposits.scan_foreign_tokens(code)
        except ChainError as error:
            logger.warning("search for other tokens on %s: %s: %s", code, type(error).__name__, error)
            continue
        if found:
            logger.info("search for other tokens on %s: %s new", code, found)
