"""The model: what the system is, as frozen, checked data."""
