"""What the worker and the beat call by name; each finds its own work."""

from __future__ import annotations

import logging

from celery import shared_task

from . import address_book, engine, staff_news, withdrawals

logger = logging.getLogger(__name__)


@shared_task(name="payouts.tasks.start_payouts")  # type: ignore[untyped-decorator]  # celery ships no types
def start_payouts() -> None:
    """Order the payments of approved requests, batch after batch."""
    if engine.start_payouts(limit=engine.FIRST_BATCH) == engine.FIRST_BATCH:
        while engine.start_payouts() == engine.BATCH:
            pass


@shared_task(name="payouts.tasks.settle_payouts")  # type: ignore[untyped-decorator]  # celery ships no types
def settle_payouts() -> None:
    """Take over what became of the payments."""
    moved = engine.settle_payouts()
    if moved:
        logger.info("settled or moved %s withdrawals", moved)


@shared_task(name="payouts.tasks.expire_withdrawals")  # type: ignore[untyped-decorator]  # celery ships no types
def expire_withdrawals() -> None:
    """Close what was never confirmed, and end holds whose time is over."""
    expired, released = withdrawals.expire_withdrawals(), withdrawals.release_due_holds()
    if expired or released:
        logger.info("expired %s withdrawals, released %s holds", expired, released)


@shared_task(name="payouts.tasks.expire_addresses")  # type: ignore[untyped-decorator]  # celery ships no types
def expire_addresses() -> None:
    """Close entries of address books that were never confirmed."""
    expired = address_book.expire_addresses()
    if expired:
        logger.info("expired %s unconfirmed addresses", expired)


@shared_task(name="payouts.tasks.tell_late_reviews")  # type: ignore[untyped-decorator]  # celery ships no types
def tell_late_reviews() -> None:
    """Mail the staff about withdrawals that wait longer than promised."""
    late = staff_news.tell_late_reviews()
    if late:
        logger.info("told the staff of %s late reviews", late)


@shared_task(name="payouts.tasks.tell_daily_news")  # type: ignore[untyped-decorator]  # celery ships no types
def tell_daily_news() -> None:
    """Mail the staff about hot wallets that run low, and once a day the figures of the day before."""
    low, digest = staff_news.tell_low_wallets(), staff_news.tell_daily_digest()
    if low or digest:
        logger.info("told the staff of %s low wallets, digest: %s", low, digest)
