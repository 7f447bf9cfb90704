"""TRON: own encoding of transactions, reads over the full node's HTTP API, and what proves a payment dead there."""
