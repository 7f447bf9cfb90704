"""Key material. Only `treasury.signing` and the signer's commands import what is in here."""
