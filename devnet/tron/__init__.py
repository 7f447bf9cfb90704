"""A local TRON node: one process that mines, executes and answers like java-tron, for the demo and the tests."""
