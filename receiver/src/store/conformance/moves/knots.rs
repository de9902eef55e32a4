//! [`Knot`]: moves that only a set without order can say.

use protocol::Tree;

use super::identity::Identity;
use super::trees::written;
use crate::store::conformance::peer::path;

/// Two trees, and what of the one is what of the other.
pub(crate) struct Knot {
    /// What happens.
    pub(crate) what: &'static str,
    /// The tree before.
    pub(crate) old: Tree,
    /// The tree after.
    pub(crate) new: Tree,
    /// Where things went; the others are gone, or new.
    pub(crate) identity: Identity,
}

/// What happens, before and after as [`written`] takes them, and `from>to`; `=from` stays where it is.
const KNOTS: [(&str, &str, &str, &str); 18] = [
    ("two directories swap names", "a/ a/x=1 b/ b/y=2", "a/ a/y=2 b/ b/x=1", "a>b b>a a/x>b/x b/y>a/y"),
    ("three directories go round", "a/ a/x=1 b/ c/ c/z=2", "a/ a/z=2 b/ b/x=1 c/", "a>b b>c c>a a/x>b/x c/z>a/z"),
    (
        "a directory goes into its former child",
        "a/ a/b/ a/b/x=1 a/y=2",
        "b/ b/x=1 b/a/ b/a/y=2",
        "a>b/a a/b>b a/b/x>b/x a/y>b/a/y",
    ),
    (
        "parent and child swap, names staying",
        "a/ a/b/ a/b/x=1 a/y=2",
        "a/ a/x=1 a/b/ a/b/y=2",
        "a>a/b a/b>a a/b/x>a/x a/y>a/b/y",
    ),
    (
        "a line of directories turns over",
        "a/ a/b/ a/b/c/ a/b/c/d/ a/b/c/d/x=1",
        "d/ d/x=1 d/c/ d/c/b/ d/c/b/a/",
        "a>d/c/b/a a/b>d/c/b a/b/c>d/c a/b/c/d>d a/b/c/d/x>d/x",
    ),
    (
        "deep directories go round",
        "a/ a/p/ a/p/x=1 b/ b/p/ b/p/y=2 c/ c/p/",
        "a/ a/p/ b/ b/p/ b/p/x=1 c/ c/p/ c/p/y=2",
        "=a =b =c a/p>b/p b/p>c/p c/p>a/p a/p/x>b/p/x b/p/y>c/p/y",
    ),
    ("a child survives its deleted parent", "a/ a/b/ a/b/x=1 a/y=2", "b/ b/x=1", "a/b>b a/b/x>b/x"),
    ("a child takes its deleted parent's name", "a/ a/a/ a/a/x=1 a/y=2", "a/ a/x=1", "a/a>a a/a/x>a/x"),
    (
        "a grandchild takes its grandparent's name",
        "a/ a/a/ a/a/a/ a/a/a/x=1 a/a/y=2",
        "a/ a/x=1",
        "a/a/a>a a/a/a/x>a/x",
    ),
    ("a file in it takes the deleted directory's name", "a/ a/a=1 a/b=2", "a=1", "a/a>a"),
    ("a moved directory's name goes to a file", "a/ a/x=1 f=2", "a=2 b/ b/x=1", "a>b a/x>b/x f>a"),
    ("a moved directory's name goes to a new file", "a/ a/x=1", "a=2 b/ b/x=1", "a>b a/x>b/x"),
    ("a file's name goes to a directory, the file into it", "a=1 d/ d/x=2", "a/ a/x=2 a/y=1", "d>a d/x>a/x a>a/y"),
    (
        "names change case only",
        "Dir/ Dir/File=1 dir2=2",
        "dir/ dir/file=1 DIR2=2",
        "Dir>dir Dir/File>dir/file dir2>DIR2",
    ),
    ("case is swapped", "d/ d/x=1 D/ D/x=2", "d/ d/x=2 D/ D/x=1", "d>D D>d d/x>D/x D/x>d/x"),
    (
        "directories swap and their files stay by path",
        "a/ a/x=1 b/ b/x=2",
        "a/ a/x=1 b/ b/x=2",
        "a>b b>a a/x>a/x b/x>b/x",
    ),
    (
        "a moved directory is edited inside",
        "a/ a/x=1 a/y=2 a/z=1 a/k=2",
        "b/ b/x=2 b/w=2 b/k=2 b/n=1",
        "a>b a/x>b/x a/y>b/w a/k>b/k",
    ),
    (
        "a moved directory's file goes home to the old name",
        "a/ a/x=1 a/y=2",
        "a/ a/x=1 b/ b/y=2",
        "a>b a/x>a/x a/y>b/y",
    ),
];

/// All of them.
pub(crate) fn knots() -> Vec<Knot> {
    KNOTS.iter().map(|(what, old, new, went)| knot(what, old, new, went)).collect()
}

fn knot(what: &'static str, old: &str, new: &str, went: &str) -> Knot {
    let pair = |word: &str| match word.split_once('>') {
        Some((from, to)) => (path(from), path(to)),
        None => (path(&word[1..]), path(&word[1..])),
    };
    Knot { what, old: written(old), new: written(new), identity: went.split_whitespace().map(pair).collect() }
}
