"""The use cases: configure, run (evaluate and issue), generate, sweep."""
