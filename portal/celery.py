"""The worker's application and the beat schedule; nothing else schedules.

Tasks carry a network's code or nothing: every run finds its own work in the database, so a lost message costs
seconds and a doubled one nothing. The signer's tasks go to its own queue, which no other process reads.
"""

from celery import Celery

from portal import broker

broker.install()
app = Celery("exchequer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    task_default_queue="default",
    task_routes={"treasury.signer_tasks.*": {"queue": "signer"}},
    task_serializer="json",
    accept_content=["json"],
    task_time_limit=120,
    task_soft_time_limit=90,
    broker_connection_retry_on_startup=True,
    # A page that wakes a worker must not wait for a broker that is away: one short try, the beat finds the work later.
    broker_transport_options={
        "visibility_timeout": 3600,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
    },
    worker_hijack_root_logger=False,
    timezone="UTC",
)
# Messages expire when the next one is due: a worker that was away does not come back to a pile of them.
SECONDS = {
    "portal.tasks.beat_heartbeat": 5,
    "treasury.signer_tasks.signer_heartbeat": 5,
    "treasury.tasks.scan_all_networks": 2,
    "treasury.tasks.scan_foreign_tokens": 30,
    "treasury.tasks.advance_payments": 2,
    "treasury.tasks.read_wallet_balances": 30,
    "treasury.signer_tasks.sign_broadcasts": 2,
    "treasury.signer_tasks.fill_address_pool": 20,
    "payouts.tasks.start_payouts": 2,
    "payouts.tasks.settle_payouts": 2,
    "payouts.tasks.expire_withdrawals": 30,
    "payouts.tasks.expire_addresses": 60,
    "accounts.tasks.end_settings_locks": 60,
    "payouts.tasks.tell_late_reviews": 60,
    "payouts.tasks.tell_daily_news": 300,
    "treasury.tasks.tell_alarms": 30,
    "accounts.tasks.send_outgoing_mail": 2,
    "accounts.tasks.link_activity": 5,
    "treasury.signer_tasks.anchor_activity": 60,
    "treasury.tasks.watch_activity": 60,
    "treasury.tasks.watch_mail": 60,
}
app.conf.beat_schedule = {
    name: {"task": name, "schedule": float(seconds), "options": {"expires": max(seconds, 5)}}
    for name, seconds in SECONDS.items()
}
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="signer_tasks")
