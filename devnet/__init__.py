"""The local surroundings of `make run` and `make test`: database, broker, chains, faucet, mail. Never in production."""
