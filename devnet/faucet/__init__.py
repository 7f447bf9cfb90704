"""Gives out tokens and coins of the local chains."""
