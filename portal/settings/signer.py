"""The signer's process: the only settings that know where key material is. Run with its own database role."""

from pathlib import Path

from .base import *  # noqa: F403  # see dev.py
from .base import database, env

DATABASES = {"default": database("SIGNER_DATABASE_URL")}
SIGNER_KEYSTORE_FILE = env("SIGNER_KEYSTORE_FILE")
# What it has signed, beside the database; not to be restored together with it. By default beside the keystore.
SIGNER_MEMORY_FILE = env("SIGNER_MEMORY_FILE", default="")
SIGNER_PASSPHRASE = (
    Path(env("SIGNER_PASSPHRASE_FILE")).read_text(encoding="utf-8").strip()
    if env("SIGNER_PASSPHRASE_FILE", default="")
    else env("SIGNER_PASSPHRASE")
)
# The signer's own caps and quorum; the web tier cannot see or change them. No network's max_withdrawal_micro should be
# above the cap for one payment: see compose/networks.example.toml.
SIGNER_PAYMENT_CAP_MICRO = env.int("SIGNER_PAYMENT_CAP_MICRO", default=50_000_000_000)
SIGNER_DAILY_CAP_MICRO = env.int("SIGNER_DAILY_CAP_MICRO", default=500_000_000_000)
SIGNER_DESTINATION_DAILY_CAP_MICRO = env.int("SIGNER_DESTINATION_DAILY_CAP_MICRO", default=100_000_000_000)
SIGNER_FOUR_EYES_FROM_MICRO = env.int("SIGNER_FOUR_EYES_FROM_MICRO", default=1_000_000_000)
SECOND_FACTOR_KEYS = env.list("SECOND_FACTOR_KEYS")  # to check what an app left behind beside an approval
SIGNER_ADDRESS_POOL_BATCH = env.int("SIGNER_ADDRESS_POOL_BATCH", default=200)
FAILPOINTS = env("FAULTS", default="")  # ignored unless EXCHEQUER_FAILPOINTS_ALLOWED is set: see treasury/failpoints.py
FAILPOINTS_ALLOWED = env.bool("EXCHEQUER_FAILPOINTS_ALLOWED", default=False)
