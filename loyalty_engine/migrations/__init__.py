"""The schema, step by step: each file takes it forwards and backwards on every engine."""
