"""The compiled engine: the rules of the reference engine, in tables and compiled loops."""
