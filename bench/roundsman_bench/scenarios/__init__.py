"""What is done to a tree, step by step.

Each scenario is a module with `steps(tree, seed)`, `peers(tree, link)`, `TREES`, `TARGETS` and `IS_AFRESH`.
"""
from . import moves, transfer

KINDS = {"moves": moves, "transfer": transfer}
"""Every scenario by the name it is asked for with."""
