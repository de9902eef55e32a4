"""What is done to a tree, step by step; each scenario is a module with `steps(tree, seed)`."""
from . import moves

KINDS = {"moves": moves}
"""Every scenario by the name it is asked for with."""
