//! [`Filter`]: which paths the client leaves alone, in gitignore syntax.
//!
//! `--exclude` rules come first, then ignore files in their order, then `--include` rules; the last rule that matches
//! decides, as in gitignore. What is excluded is neither delivered nor deleted at the mirror.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};
use protocol::{RelPath, escape as shown};

/// The rules as the user gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterRules {
    /// Globs to leave out.
    pub exclude: Vec<String>,
    /// Files with rules in gitignore syntax.
    pub ignore_files: Vec<PathBuf>,
    /// Globs to take in all the same.
    pub include: Vec<String>,
}

/// A rule or file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A glob that means nothing.
    #[error("the pattern `{pattern}` is not valid: {source}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        source: ignore::Error,
    },
    /// An ignore file that cannot be read or holds a rule that means nothing.
    #[error("the ignore file {} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ignore::Error,
    },
}

/// Compiled rules.
#[derive(Debug, Clone)]
pub struct Filter {
    rules: Gitignore,
    /// Left out whatever the rules say.
    always: BTreeSet<RelPath>,
}

impl Filter {
    /// Compiles rules.
    ///
    /// # Errors
    /// The first rule or file that cannot be used.
    pub fn new(rules: &FilterRules) -> Result<Self, FilterError> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in &rules.exclude {
            add(&mut builder, pattern, pattern)?;
        }
        for path in &rules.ignore_files {
            if let Some(source) = builder.add(path) {
                return Err(FilterError::File { path: path.clone(), source });
            }
        }
        for pattern in &rules.include {
            add(&mut builder, pattern, &format!("!{pattern}"))?;
        }
        let built = builder.build();
        let rules = built.map_err(|source| FilterError::Pattern { pattern: String::new(), source })?;
        Ok(Self { rules, always: BTreeSet::new() })
    }

    /// A filter that leaves nothing out.
    #[must_use]
    pub fn none() -> Self {
        Self { rules: Gitignore::empty(), always: BTreeSet::new() }
    }

    /// The same, with one path more that is left out whatever the rules say.
    #[must_use]
    pub fn and_always(mut self, path: Option<RelPath>) -> Self {
        self.always.extend(path);
        self
    }

    /// Whether it has no rules, so that nobody needs to make paths for it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.always.is_empty()
    }

    /// Whether a path is left out. Parents are not asked: what lies in an excluded directory is never walked.
    #[must_use]
    pub fn excludes(&self, path: &RelPath, is_directory: bool) -> bool {
        self.is_our_own(path) || self.matched(path, is_directory).is_ignore()
    }

    /// The rule that leaves a path out, in words for people: its own, or that of the topmost excluded directory it lies
    /// in, which is never walked, so that no include below it counts.
    #[must_use]
    pub fn matching(&self, path: &RelPath, is_directory: bool) -> Option<String> {
        let above = path.ancestors().filter(|above| !above.is_root());
        let mut way = above.map(|above| (above, true)).chain([(path.clone(), is_directory)]);
        way.find_map(|(path, is_directory)| self.rule(&path, is_directory))
    }

    fn rule(&self, path: &RelPath, is_directory: bool) -> Option<String> {
        if self.is_our_own(path) {
            return Some("roundsman's own state is never mirrored".to_owned());
        }
        let Match::Ignore(glob) = self.matched(path, is_directory) else { return None };
        let place = glob.from().map_or_else(|| "--exclude".to_owned(), |file| shown(file.as_os_str().as_bytes()));
        Some(format!("`{}` in {place}", shown(glob.original().as_bytes())))
    }

    /// What this program keeps in a source for itself, what a restore is about to put there included.
    fn is_our_own(&self, path: &RelPath) -> bool {
        self.always.contains(path) || path.name().is_some_and(|name| name.is_restoring())
    }

    fn matched(&self, path: &RelPath, is_directory: bool) -> Match<&Glob> {
        self.rules.matched(Path::new(OsStr::from_bytes(path.as_bytes())), is_directory)
    }
}

fn add(builder: &mut GitignoreBuilder, pattern: &str, line: &str) -> Result<(), FilterError> {
    let added = builder.add_line(None, line);
    added.map(|_| ()).map_err(|source| FilterError::Pattern { pattern: pattern.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text.as_bytes()).expect("valid in this test")
    }

    fn excluded(rules: &FilterRules, path: &str, is_directory: bool) -> bool {
        let path = RelPath::parse(path.as_bytes()).expect("valid in this test");
        Filter::new(rules).expect("valid rules").excludes(&path, is_directory)
    }

    fn exclude(patterns: &[&str]) -> FilterRules {
        FilterRules { exclude: patterns.iter().map(|&pattern| pattern.to_owned()).collect(), ..FilterRules::default() }
    }

    #[test]
    fn patterns_mean_what_they_mean_in_gitignore() {
        let rules = exclude(&["*.o", "/build/", "docs/**/draft", "!keep.o"]);
        assert!(excluded(&rules, "a/b.o", false));
        assert!(!excluded(&rules, "keep.o", false));
        assert!(excluded(&rules, "build", true));
        assert!(!excluded(&rules, "build", false), "a trailing slash means directories only");
        assert!(!excluded(&rules, "a/build", true), "a leading slash means the root only");
        assert!(excluded(&rules, "docs/x/y/draft", true));
    }

    #[test]
    fn an_include_wins_over_every_exclude() {
        let rules = FilterRules { include: vec!["important.log".to_owned()], ..exclude(&["*.log"]) };
        assert!(excluded(&rules, "a.log", false));
        assert!(!excluded(&rules, "important.log", false));
    }

    #[test]
    fn an_ignore_file_may_negate_and_a_missing_one_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "# build products\n*.tmp\n!good.tmp\n").expect("written");
        let rules = FilterRules { ignore_files: vec![file.path().to_owned()], ..FilterRules::default() };
        assert!(excluded(&rules, "x/a.tmp", false));
        assert!(!excluded(&rules, "x/good.tmp", false));
        let missing = FilterRules { ignore_files: vec!["/nowhere/ignore".into()], ..FilterRules::default() };
        let message = Filter::new(&missing).expect_err("it is missing").to_string();
        assert!(message.contains("/nowhere/ignore"), "{message}");
    }

    #[test]
    fn one_path_is_left_out_whatever_the_rules_say() {
        let own = RelPath::parse(b"state").expect("valid");
        let rules = FilterRules { include: vec!["*".to_owned()], ..FilterRules::default() };
        let filter = Filter::new(&rules).expect("valid rules").and_always(Some(own.clone()));
        assert!(!filter.is_empty());
        assert!(filter.excludes(&own, true));
        assert!(!filter.excludes(&RelPath::parse(b"a/state").expect("valid"), true));
    }

    #[test]
    fn what_a_restore_has_not_put_in_its_place_is_left_out() {
        let temporary = protocol::Name::restoring(&[b"a"]);
        let below = path("d").join(&temporary).expect("short");
        let filter = Filter::new(&exclude(&["x"])).expect("valid rules");
        assert!(filter.excludes(&below, false) && !filter.excludes(&path("d/.roundsman-restore-1"), false));
    }

    #[test]
    fn the_rule_that_leaves_a_path_out_is_named_with_its_file() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "# build products\nbuild/\n").expect("written");
        let include = vec!["keep.o".to_owned()];
        let rules = FilterRules { ignore_files: vec![file.path().to_owned()], include, ..exclude(&["*.o", "build/x"]) };
        let filter = Filter::new(&rules).expect("valid rules").and_always(Some(path("state")));
        let matching = |text: &str| filter.matching(&path(text), false);
        assert_eq!(matching("a/b.o").as_deref(), Some("`*.o` in --exclude"));
        assert_eq!(matching("a/keep.o"), None);
        assert_eq!(matching("build"), None, "a file, and the rule is for directories");
        let in_file = format!("`build/` in {}", file.path().display());
        assert_eq!(matching("build/keep.o"), Some(in_file), "the directory's rule decides, as in the walk");
        assert!(matching("state/db").is_some_and(|rule| rule.contains("roundsman's own")));
    }

    #[test]
    fn a_name_that_is_not_utf8_can_be_matched() {
        let rules = exclude(&["*.o"]);
        let path = RelPath::parse(b"caf\xe9.o").expect("valid");
        assert!(Filter::new(&rules).expect("valid rules").excludes(&path, false));
    }
}
