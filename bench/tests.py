"""That the benchmark notices what it is there to notice. Needs no rights, no tools and no build.

Run it with `python3 bench/tests.py`."""
import random
import tempfile
import unittest
from pathlib import Path

from roundsman_bench import compare, table, targets, trees
from roundsman_bench.arena import Run
from roundsman_bench.meter import Cost, Measured
from roundsman_bench.scenarios import moves
from roundsman_bench.wire import Bytes


def made(root):
    """A small tree, twice the same, and what changes a copy of it."""
    for name in ("source", "mirror"):
        (root / name).mkdir()
        trees.photos(root / name, 1, "small")
    return root / "source", root / "mirror"


def run(step="unchanged", peer="roundsman", wall=1.0, wire=Bytes(10, 5), **facts):
    """A run with these figures."""
    cost = Cost(0.1, 1_000_000)
    return Run("photos", step, peer, Measured(wall, cost, cost, wire, facts), 0.0)


class Comparison(unittest.TestCase):
    """Every way in which a mirror can be wrong."""

    def setUp(self):
        self.room = tempfile.TemporaryDirectory()
        self.addCleanup(self.room.cleanup)
        self.source, self.mirror = made(Path(self.room.name))
        self.file = trees.files(self.mirror)[3]

    def found(self):
        return compare.differences(self.source, compare.listing(self.source), self.mirror, [self.source / "library"])

    def test_equal_trees_of_one_seed_have_no_differences(self):
        self.assertEqual(self.found(), [])

    def test_a_missing_file_is_found(self):
        self.file.unlink()
        self.assertRegex(self.found()[0], "^missing: library/")

    def test_a_file_too_much_is_found(self):
        (self.mirror / "library" / "other").touch()
        self.assertEqual(self.found(), ["too much: library/other"])

    def test_another_size_and_another_kind_are_found(self):
        self.file.write_bytes(b"short")
        other = trees.files(self.mirror)[4]
        other.unlink()
        other.symlink_to("anywhere")
        self.assertEqual(len(self.found()), 2)

    def test_one_other_byte_in_an_edited_file_is_found(self):
        content = bytearray(self.file.read_bytes())
        content[-1] ^= 1
        self.file.write_bytes(content)
        self.assertRegex(self.found()[0], "^other bytes: library/")


class Moves(unittest.TestCase):
    """That the edits do what their names say."""

    def setUp(self):
        self.room = tempfile.TemporaryDirectory()
        self.addCleanup(self.room.cleanup)
        self.tree = trees.sources(Path(self.room.name), 1, "small")

    def test_no_move_adds_or_loses_a_file(self):
        before = sorted(file.read_bytes() for file in trees.files(self.tree.root))
        for step in moves.steps(self.tree, seed=1)[:-1]:
            edited = step.edit(0)
            self.assertTrue(all(path.exists() for path in edited), step.name)
        self.assertEqual(sorted(file.read_bytes() for file in trees.files(self.tree.root)), before)

    def test_one_file_in_five_lies_elsewhere_after_a_shuffle(self):
        before = self.folders()
        moves.shuffle(self.tree, random.Random(1))
        elsewhere = [content for content, folder in self.folders().items() if before[content] != folder]
        self.assertEqual(len(elsewhere), len(before) // 5)

    def folders(self):
        """In which directory each content lies."""
        return {file.read_bytes(): file.parent for file in trees.files(self.tree.root)}


class Figures(unittest.TestCase):
    """What is made of the figures."""

    def test_a_row_has_the_median_and_the_extremes(self):
        shown = table.markdown([run(wall=wall, changes=2) for wall in (5.0, 1.0, 2.0)])
        self.assertIn("| unchanged | roundsman | 3 | 2 [1-5] | 0.000 | 0.100 + 0.100 | 10 B / 5 B |", shown)

    def test_what_nobody_counted_is_not_shown_as_nothing(self):
        self.assertIn("| - / - |", table.markdown([run(wire=Bytes(None, None))]))

    def test_too_many_bytes_are_missed_and_too_many_seconds_only_told(self):
        aims = [targets.Bytes("photos", "unchanged", 14), targets.Wall("photos", "unchanged", "rsync", 0.5)]
        found = targets.verdicts(aims, [run(), run(peer="rsync")], (targets.Bytes, targets.Wall))
        self.assertEqual([verdict.is_reached for verdict in found], [False, False])
        self.assertTrue(targets.is_missed(found))
        self.assertFalse(targets.is_missed(found[1:]))

    def test_a_target_without_figures_is_not_judged(self):
        aims = [targets.Bytes("photos", "unchanged", 14), targets.Count("photos", "unchanged", "changes", 0)]
        self.assertEqual(targets.verdicts(aims, [run(wire=Bytes(None, None))], (targets.Bytes, targets.Count)), [])


if __name__ == "__main__":
    unittest.main()
