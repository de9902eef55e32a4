//! Where recipes come from, and what becomes of those that were wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use chunking::Cutter;
use protocol::wire::{CopiedRange, Request, Response};
use protocol::{ByteRange, Entry, Metadata, Problem, ProblemCode};

use super::*;
use crate::TransportError;
use crate::test_support::{Client, ModelReceiver, Script, create};

/// Lists in memory: of these texts, all acknowledged; and one base for all contents.
#[derive(Debug, Default)]
struct Lists {
    lists: Mutex<BTreeMap<ContentId, ChunkList>>,
    acknowledged: Vec<ContentId>,
    base: Option<ContentId>,
}

impl Lists {
    fn of(texts: &[&[u8]]) -> Self {
        let lists = texts.iter().map(|text| (ContentId::of(text), list(text))).collect();
        Self { lists: Mutex::new(lists), ..Self::default() }
    }
}

impl Bases for Lists {
    fn base_of(&self, _: &ContentId) -> Option<ContentId> {
        self.base
    }

    fn list(&self, content: &ContentId) -> io::Result<Option<ChunkList>> {
        Ok(self.lists.lock().expect("not poisoned").get(content).cloned())
    }

    fn list_numbered(&self, number: i64) -> io::Result<Option<(ContentId, ChunkList)>> {
        let content = self.acknowledged[usize::try_from(number).expect("small")];
        Ok(self.list(&content)?.map(|list| (content, list)))
    }

    fn list_bytes(&self) -> io::Result<u64> {
        Ok(50_000)
    }

    fn each_acknowledged(&self, show: &mut dyn FnMut(i64, &ChunkList)) -> io::Result<()> {
        for (number, content) in (0..).zip(&self.acknowledged) {
            show(number, &self.list(content)?.expect("all have lists"));
        }
        Ok(())
    }

    fn record(&self, content: &ContentId, list: &ChunkList) -> io::Result<()> {
        self.lists.lock().expect("not poisoned").insert(*content, list.clone());
        Ok(())
    }

    fn forget(&self, content: &ContentId) -> io::Result<()> {
        self.lists.lock().expect("not poisoned").remove(content);
        Ok(())
    }
}

fn list(text: &[u8]) -> ChunkList {
    let mut cutter = Cutter::new(Parameters::with_mean(256).expect("a good mean"));
    cutter.feed(text);
    cutter.finish().expect("a short list")
}

fn text(seed: u32, words: u32) -> Vec<u8> {
    (0..words).flat_map(|word| format!("{seed} {} ", word.wrapping_mul(2_654_435_761)).into_bytes()).collect()
}

fn plan_of(recipes: &Recipes<'_>, new: &[u8]) -> ContentPlan {
    let client = Client::new(1, ModelReceiver::new());
    let entry = Entry::File { metadata: Metadata::default(), size: new.len() as u64, content: ContentId::of(new) };
    let plans = recipes.plans(&[create("f", entry)], &client.caller(), &client.mirror);
    plans.expect("nothing fails").remove(0)
}

fn copies(plan: &ContentPlan) -> Vec<ContentId> {
    let copy = |segment: &Segment| match segment {
        Segment::Copy { content, .. } => Some(*content),
        Segment::Literal { .. } | Segment::Zeros { .. } => None,
    };
    plan.recipe.iter().filter_map(copy).collect()
}

#[test]
fn a_new_version_copies_from_the_old_one() {
    let (old, new) = (text(1, 2_000), [b"x".as_slice(), &text(1, 2_000)].concat());
    let mut bases = Lists::of(&[&old, &new]);
    assert_eq!(copies(&plan_of(&Recipes::new(&bases), &new)), [], "nobody says that it is a version of anything");
    bases.base = Some(ContentId::of(&old));
    assert_eq!(copies(&plan_of(&Recipes::new(&bases), &new)), [ContentId::of(&old)]);
    bases.forget(&ContentId::of(&new)).expect("forgotten");
    assert_eq!(plan_of(&Recipes::new(&bases), &new).recipe, [], "it is not known how it is cut");
}

#[test]
fn a_list_of_another_length_than_the_content_is_none() {
    let (old, new) = (text(1, 2_000), [b"x".as_slice(), &text(1, 2_000)].concat());
    let mut bases = Lists::of(&[&old]);
    bases.base = Some(ContentId::of(&old));
    bases.record(&ContentId::of(&new), &list(&old)).expect("recorded");
    assert_eq!(plan_of(&Recipes::new(&bases), &new).recipe, []);
}

#[test]
fn other_files_are_looked_through_once_that_is_worth_it() {
    let (old, small) = (text(1, 2_000), text(1, 1_000));
    let large = [b"x".as_slice(), &old, &text(2, 2_000)].concat();
    let mut bases = Lists::of(&[&old, &small, &large]);
    bases.acknowledged = vec![ContentId::of(&old)];
    let recipes = Recipes::new(&bases);
    assert!(small.len() < 50_000 && large.len() > 50_000);
    assert_eq!(copies(&plan_of(&recipes, &small)), [], "all lists are more than it is");
    assert_eq!(copies(&plan_of(&recipes, &large)), [ContentId::of(&old)]);
    assert_eq!(copies(&plan_of(&recipes, &small)), [ContentId::of(&old)], "they were read already");
}

#[test]
fn what_is_copied_from_the_old_version_is_no_reason_to_look_through_other_files() {
    let old = text(1, 9_000);
    let (new, other) = ([b"x".as_slice(), &old].concat(), text(2, 2_000));
    let mut bases = Lists::of(&[&old, &new, &other]);
    (bases.acknowledged, bases.base) = (vec![ContentId::of(&other)], Some(ContentId::of(&old)));
    let recipes = Recipes::new(&bases);
    assert!(new.len() > 50_000, "longer than all lists, but none of it is sent");
    plan_of(&recipes, &new);
    assert!(recipes.index.get().is_none(), "all lists were read");
}

#[test]
fn a_wrong_copy_is_sent_its_list_forgotten_and_a_second_time_everything_is_sent() {
    let (first, second) = (text(1, 500), text(2, 500));
    let new = [&first[..], &second].concat();
    let mut bases = Lists::of(&[&first, &second, &new]);
    bases.acknowledged = vec![ContentId::of(&first), ContentId::of(&second)];
    bases.base = Some(ContentId::of(&first));
    let recipes = Recipes::new(&bases);
    plan_of(&recipes, &text(9, 9_000));
    let mut client = Client::new(1, ModelReceiver::new());
    client.contents.0.insert(ContentId::of(&new), Ok(new.clone()));

    let plan = plan_of(&recipes, &new);
    assert_eq!(copies(&plan), [ContentId::of(&first), ContentId::of(&second)]);
    let answered = |plan: &ContentPlan, wrong: ContentId| {
        let (mut copied, mut offset) = (Vec::new(), 0);
        for segment in &plan.recipe {
            let range = ByteRange { offset, length: segment.length() };
            offset += range.length;
            if let Segment::Copy { content, .. } = segment {
                let at = |place: u64| usize::try_from(place).expect("small");
                let right = ContentId::of(&new[at(range.offset)..at(offset)]);
                let digest = if *content == wrong { ContentId::of(b"other bytes") } else { right };
                copied.push(CopiedRange { range, digest });
            }
        }
        Mismatch { index: 0, copied }
    };
    let unharmed = recipes.repair(&plan, &answered(&plan, ContentId::of(b"none")), &client.contents);
    assert!(!unharmed.expect("readable"), "no copy is wrong: the file has changed");
    let mismatch = answered(&plan, ContentId::of(&first));
    assert!(recipes.repair(&plan, &mismatch, &client.contents).expect("readable"));
    assert_eq!(bases.list(&ContentId::of(&first)).expect("readable"), None, "it lied");
    let repaired = plan_of(&recipes, &new);
    assert_eq!(copies(&repaired), [ContentId::of(&second)]);
    assert!(repaired.is_complete());
    let mismatch = answered(&repaired, ContentId::of(&second));
    assert!(recipes.repair(&repaired, &mismatch, &client.contents).expect("readable"));
    assert_eq!(plan_of(&recipes, &new).recipe, []);
}

#[test]
fn what_the_receiver_has_not_got_is_not_copied_from_again() {
    let (old, new) = (text(1, 2_000), [b"x".as_slice(), &text(1, 2_000)].concat());
    let mut bases = Lists::of(&[&old, &new]);
    bases.base = Some(ContentId::of(&old));
    let recipes = Recipes::new(&bases);
    let receiver = ModelReceiver::new();
    let script = Script::new(&receiver, |request| {
        let Request::Propose(propose) = request else { return None };
        let copies = propose.contents.iter().any(|plan| !plan.recipe.is_empty());
        let problem = Problem::new(ProblemCode::NotFound, "a recipe copies from what is not held");
        copies.then_some(Err::<Response, _>(TransportError::Problem { problem, retry_after: None }))
    });
    let mut client = Client::new(1, Arc::clone(&script) as Arc<dyn crate::Transport>);
    client.contents.0.insert(ContentId::of(&new), Ok(new.clone()));
    let entry = Entry::File { metadata: Metadata::default(), size: new.len() as u64, content: ContentId::of(&new) };
    let (delivery, ended) = client.deliver_with(&recipes, vec![create("f", entry)], 9);
    ended.expect("all of it is sent");
    assert_eq!(delivery.delivered.len(), 1);
    let proposed =
        script.seen.lock().expect("not poisoned").iter().filter(|r| matches!(r, Request::Propose(_))).count();
    assert_eq!(proposed, 2, "with copies, and without");
}
