"""The benchmark of roundsman: real commands, real trees, one machine.

Read in this order: `cli` (what can be asked for), `scenarios` (what is done to a tree), `arena` (one run from first to
last), `peers` (how each tool is driven), `meter` (what is measured), `table` (how it is shown).
"""
