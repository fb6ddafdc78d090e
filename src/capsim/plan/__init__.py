"""The plan: a model lowered to primitive steps, with every random draw."""
