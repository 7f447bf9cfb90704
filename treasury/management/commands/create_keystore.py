"""Make the signer's keystore: a new seed, or the one of a phrase that was backed up before."""

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from treasury.keys.keystore import KeystoreFile
from treasury.keys.ports import KeysError


class Command(BaseCommand):
    help = (
        "Create the signer's encrypted keystore and print the public key of the address pool. The passphrase comes from"
        " the signer's settings; the recovery phrase is not shown here but by `backup_keystore`."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--restore",
            action="store_true",
            help="Use the recovery phrase typed at the prompt (or given on standard input) instead of a new one.",
        )

    def handle(self, *, restore: bool = False, **options: Any) -> None:
        from treasury import signing

        try:
            path, passphrase = (
                signing.signer_setting("SIGNER_KEYSTORE_FILE"),
                signing.signer_setting("SIGNER_PASSPHRASE"),
            )
        except signing.NotTheSigner as error:
            raise CommandError(str(error)) from None
        phrase = None
        if restore:
            phrase = getpass("Recovery phrase: ") if sys.stdin.isatty() else sys.stdin.readline()
        try:
            keystore = KeystoreFile(path).create(passphrase, phrase=phrase)
        except KeysError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Keystore: {path}")
        self.stdout.write(f"ADDRESS_POOL_PUBLIC_KEY={keystore.pool_public_key().hex()}")
        self.stdout.write(f"Pool's public key: {keystore.pool_public_key().hex()}")
        if not restore:
            self.stdout.write("Now run backup_keystore and write the recovery phrase down. It is the only backup.")
