"""That the scenario `transfer` does and judges what it says. Needs no rights, no tools and no build.

`python3 bench/tests.py` runs these as well."""
import itertools
import os
import random
import shutil
import tempfile
import types
import unittest
import zlib
from pathlib import Path
from unittest import mock

from roundsman_bench import aims, arena, bulk, compare, contents, disks, edits, peers, targets, trees
from roundsman_bench.contents import MIB
from roundsman_bench.meter import Cost, Measured
from roundsman_bench.peers.place import Broken
from roundsman_bench.releases import Releases
from roundsman_bench.scenarios import transfer
from roundsman_bench.scenarios.step import Step
from roundsman_bench.wire import Bytes


class Room(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = Path(room.name)


class Edits(Room):
    """That a file is edited as the steps say."""

    def setUp(self):
        super().setUp()
        self.file = self.room / "file"
        self.before = contents.noise(random.Random(1), 3 * MIB + 5)
        self.file.write_bytes(self.before)

    def test_what_is_inserted_moves_on_the_rest(self):
        for at in (0, 7, MIB, len(self.before)):
            self.file.write_bytes(self.before)
            inode = self.file.stat().st_ino
            edits.insert(self.file, at, b"xyz")
            self.assertEqual(self.file.read_bytes(), self.before[:at] + b"xyz" + self.before[at:])
            self.assertEqual(self.file.stat().st_ino, inode)

    def test_a_piece_at_the_end_changes_nothing_before_it(self):
        edits.append(self.file, b"xyz")
        self.assertEqual(self.file.read_bytes(), self.before + b"xyz")

    def test_ten_overwritten_places_are_other_bytes_in_a_file_as_long(self):
        pieces = [contents.noise(random.Random(number), edits.PAGE) for number in range(10)]
        edits.overwrite(random.Random(2), self.file, pieces)
        after = self.file.read_bytes()
        self.assertEqual(len(after), len(self.before))
        self.assertTrue(pieces[-1] in after)
        other = sum(one != two for one, two in zip(self.before, after))
        self.assertTrue(5 * edits.PAGE < other <= 10 * edits.PAGE)

    def test_a_line_goes_whole_between_two_lines_in_the_middle(self):
        contents.fill_with_log(random.Random(1), self.file, MIB)
        before = self.file.read_bytes().split(b"\n")
        transfer.insert_line(self.file, random.Random(2))
        after = self.file.read_bytes().split(b"\n")
        at = next(number for number, line in enumerate(after) if line != before[number])
        self.assertEqual(after[:at] + after[at + 1:], before)
        self.assertTrue(len(before) // 3 < at < 2 * len(before) // 3)


class TwoReleases(Room):
    """That a tree becomes the other release, and only what differs is touched."""

    def setUp(self):
        super().setUp()
        self.source = self.room / "source"
        for folder in ("fs", "gone/below", "kind"):
            (self.source / folder).mkdir(parents=True)
        for name in ("fs/same", "fs/edited", "gone/below/file"):
            (self.source / name).write_text(name)
        (self.source / "link").symlink_to("before")
        for file in trees.files(self.source):
            os.utime(file, (1, 1))
        self.first = self.copy("first")
        self.releases = Releases(self.source, self.make_next)

    def make_next(self, empty):
        shutil.copytree(self.first, empty, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(empty / "gone")
        (empty / "kind").rmdir()
        (empty / "kind").write_text("a file now")
        (empty / "link").unlink()
        (empty / "link").symlink_to("after")
        (empty / "fs" / "edited").write_text("FS/EDITED")
        (empty / "new").touch()
        self.next = self.room / "expected"
        shutil.copytree(empty, self.next, symlinks=True)

    def copy(self, name):
        return Path(shutil.copytree(self.source, self.room / name, symlinks=True))

    def differences(self, other):
        listed = compare.listing(self.source)
        return compare.differences(self.source, listed, other, list(self.source.iterdir()))

    def test_the_tree_is_the_next_release_and_then_the_first_again(self):
        self.assertNotEqual(self.differences(self.next), [])
        written = self.releases.switch(1)
        self.assertEqual(self.differences(self.next), [])
        names = [str(path.relative_to(self.source)) for path in written]
        self.assertEqual(names, ["fs/edited", "kind", "link", "new"])
        self.releases.switch(0)
        self.assertEqual(self.differences(self.first), [])

    def test_only_what_differs_has_a_new_time(self):
        self.releases.switch(1)
        untouched = [file.name for file in trees.files(self.source) if file.stat().st_mtime == 1]
        self.assertEqual(untouched, ["same"])

    def test_a_release_that_is_there_already_touches_nothing(self):
        self.assertEqual(self.releases.switch(0), [])


class Contents(Room):
    """That trees are what their names say, and the same for the same seed."""

    def setUp(self):
        super().setUp()
        fewer = mock.patch.dict(bulk.MILLION, {"small": (200, 9)})
        fewer.start()
        self.addCleanup(fewer.stop)

    def test_the_same_seed_makes_the_same_trees(self):
        for make in (bulk.noise, bulk.text, bulk.million):
            made = [self.room / f"{make.__name__}{number}" for number in range(2)]
            for root in made:
                root.mkdir()
                make(root, 7, "small")
            found = compare.differences(made[0], compare.listing(made[0]), made[1], list(made[0].iterdir()))
            self.assertEqual(found, [])

    def test_invented_sources_have_a_release_that_edits_few_files(self):
        first, following = self.room / "first", self.room / "next"
        first.mkdir()
        following.mkdir()
        trees.sources(first, 1, "small").next_release(following)
        wrong = Releases(first, lambda empty: shutil.copytree(following, empty, dirs_exist_ok=True)).differing
        self.assertTrue(25 < len(wrong) <= 33, wrong)

    def test_a_million_in_small_is_as_many_files_as_it_says_and_none_over_4_kib(self):
        bulk.million(self.room, 1, "small")
        files = trees.files(self.room)
        self.assertEqual((len(files), len(trees.directories(self.room))), bulk.MILLION["small"])
        self.assertLessEqual(max(file.stat().st_size for file in files), bulk.SMALL_FILE)

    def test_another_byte_far_behind_in_a_big_file_is_found(self):
        sides = [self.room / "source", self.room / "mirror"]
        for side in sides:
            side.mkdir()
            bulk.noise(side, 1, "small")
        edits.overwrite(random.Random(1), sides[1] / "noise.bin", [b"other"])
        found = compare.differences(sides[0], compare.listing(sides[0]), sides[1], [sides[0] / "noise.bin"])
        self.assertEqual(found, ["other bytes: noise.bin"])

    def test_noise_does_not_compress_and_lines_do_as_real_ones(self):
        def ratio(content):
            return len(content) / len(zlib.compress(content))

        self.assertLess(ratio(contents.noise(random.Random(1), MIB)), 1.01)
        for stream in (contents.log, contents.code):
            lines = b"".join(itertools.islice(stream(random.Random(1)), 2))
            self.assertTrue(2.5 < ratio(lines) < 6, f"{stream.__name__}: {ratio(lines)}")

    def test_small_files_follow_each_other_in_one_stream(self):
        pieces = contents.Pieces(contents.code(random.Random(1)))
        taken = b"".join(pieces.take(size) for size in range(0, 4000, 7))
        self.assertEqual(taken, b"".join(itertools.islice(contents.code(random.Random(1)), 5))[:len(taken)])


class Aims(unittest.TestCase):
    """What counts as reached."""

    def judged(self, aim, runs):
        return aim.judge(runs)[2]

    @staticmethod
    def run_of(peer, wire=100, rss=1):
        measured = Measured(1.0, Cost(0.1, 1), Cost(0.1, rss), Bytes(wire, 0), {})
        return arena.Run("big", "first round", peer, measured, 0.0)

    def test_a_share_is_of_the_peers_bytes(self):
        runs = [self.run_of("roundsman", wire=60), self.run_of("rsync", wire=100)]
        self.assertTrue(self.judged(aims.Share("big", "first round", "rsync", 0.6), runs))
        self.assertFalse(self.judged(aims.Share("big", "first round", "rsync", 0.59), runs))

    def test_the_side_with_more_memory_is_judged(self):
        runs = [self.run_of("roundsman", rss=130 << 20)]
        self.assertFalse(self.judged(aims.Memory("big", "first round", targets.MEMORY), runs))

    def test_without_the_peer_nothing_is_judged(self):
        kinds = (aims.Share, aims.Wall)
        self.assertTrue(all(kind("big", "first round", "rsync", 1.0).judge([self.run_of("roundsman")]) is None
                            for kind in kinds))

    def test_every_target_names_a_tree_and_a_step_that_there_are(self):
        named = {(aim.tree.removesuffix(" at 50mbit"), aim.step) for aim in targets.TRANSFER}
        self.assertLessEqual({tree for tree, _ in named}, set(transfer.TREES["full"]))
        self.assertLessEqual({step for _, step in named}, {
            targets.FIRST, targets.RELEASE, targets.FRONT, targets.APPEND, targets.OVERWRITE, targets.LINE})


class Copier:
    """A tool that copies, and notes how it found its mirror."""

    began_empty = []
    mirrors_at_once = []

    def __init__(self, place, *left_out):
        self.place = place
        self.left_out = left_out

    def start(self):
        self.mirror().mkdir()

    def round(self):
        self.began_empty.append(not any(self.mirror().iterdir()))
        self.mirrors_at_once.append(len(list(self.place.data.parents[1].glob("mirror-*"))))
        shutil.rmtree(self.mirror())
        shutil.copytree(self.place.source, self.mirror(), ignore=shutil.ignore_patterns(*self.left_out))
        return {}

    def mirror(self):
        return self.place.data / "mirror"


class Afresh(Room):
    """That each turn begins with empty mirrors."""

    def setUp(self):
        super().setUp()
        Copier.began_empty, Copier.mirrors_at_once = [], []
        kinds = {"one": (Copier, ()), "two": (Copier, ()), "careless": (Copier, ("img-*7.jpg",))}
        for what in (mock.patch.object(disks.Disk, "_mount", return_value=False),
                     mock.patch.object(disks.Disk, "flush"), mock.patch.dict(peers.KINDS, kinds),
                     mock.patch.object(arena, "say")):
            what.start()
            self.addCleanup(what.stop)
        self.arena = arena.Arena(self.room, types.SimpleNamespace(turns=2, source_fs="ext4", roundsman=None), None, [])
        self.addCleanup(self.arena.close)
        self.tree = trees.photos(self.arena.source, 1, "small")

    def play(self, names, steps):
        return list(self.arena.play_afresh(self.tree, names, steps))

    def everything(self, _turn):
        return list(self.arena.source.iterdir())

    def test_every_turn_begins_with_empty_mirrors_and_goes_on_with_them(self):
        runs = self.play(["one", "two"], [Step("first", self.everything), Step("unchanged")])
        self.assertEqual(Copier.began_empty, [True, True, False, False] * 2)
        self.assertEqual([run.peer for run in runs], ["one", "two"] * 2 + ["two", "one"] * 2)

    def test_mirrors_that_nothing_more_is_done_to_never_take_room_together(self):
        self.play(["one", "two"], [Step("first", self.everything)])
        self.assertEqual(Copier.began_empty, [True] * 4)
        self.assertEqual(Copier.mirrors_at_once, [1] * 4)

    def test_a_tool_that_leaves_out_a_file_ends_the_run(self):
        with self.assertRaisesRegex(Broken, "careless: the mirror differs in 12 paths: missing: library/"):
            self.play(["one", "careless"], [Step("first", self.everything)])


if __name__ == "__main__":
    unittest.main()
