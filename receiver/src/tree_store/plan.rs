//! [`Plan`]: what a batch means to the catalog: which nodes are touched, where each was and where it will be.
//!
//! The same rules as [`protocol::Tree::apply`], on the few rows that the changes speak of: first everything that
//! leaves its place goes, then everything that arrives comes, a directory before what is in it. Reads the catalog
//! and changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use protocol::{Change, Entry, Kind, Leaving, Metadata, Name, RefusalReason, Refused, RelPath};

use crate::catalog::{Catalog, CatalogError, Node, Row};

/// A node that a batch touches.
#[derive(Debug, Clone)]
pub(super) struct Touched {
    /// Its row and path in the base; nothing for what is new.
    pub(super) base: Option<BasePlace>,
    /// Where and what it is in the result; nothing for what is gone.
    pub(super) result: Option<ResultPlace>,
    /// Whether the result is a new instance on disk, rather than the old one where it is or moved.
    pub(super) is_fresh: bool,
}

/// Where a node is in the base.
#[derive(Debug, Clone)]
pub(super) struct BasePlace {
    /// Its row.
    pub(super) row: Row,
    /// Its path.
    pub(super) path: RelPath,
}

/// Where a node is in the result.
#[derive(Debug, Clone)]
pub(super) struct ResultPlace {
    /// The directory it is in.
    pub(super) parent: Node,
    /// Its name there.
    pub(super) name: Name,
    /// Its path.
    pub(super) path: RelPath,
    /// Its state.
    pub(super) entry: Entry,
}

impl Touched {
    /// Whether it leaves its place in the base for another.
    pub(super) fn is_relocated(&self) -> bool {
        match (&self.base, &self.result) {
            (Some(base), Some(result)) => (base.row.parent, &base.row.name) != (result.parent, &result.name),
            _ => false,
        }
    }

    /// Whether something has to be put in its place of the result.
    pub(super) fn arrives(&self) -> bool {
        self.result.is_some() && (self.base.is_none() || self.is_fresh || self.is_relocated())
    }
}

/// What a batch comes to.
#[derive(Debug)]
pub(super) struct Plan {
    /// The touched nodes.
    pub(super) touched: BTreeMap<Node, Touched>,
    /// The mirror's root.
    pub(super) root: Node,
    /// Rows of the base that were looked at, among them all directories above a touched node.
    rows: HashMap<Node, BasePlace>,
}

impl Plan {
    /// Plans a set of changes on the head. New nodes take numbers from `next_node` on.
    ///
    /// Answers all changes that cannot be applied, as the model does, if there are any.
    pub(super) fn make(
        catalog: &Catalog,
        root: Node,
        changes: &[Change],
        next_node: &mut dyn FnMut() -> Node,
    ) -> Result<Result<Self, Vec<Refused>>, CatalogError> {
        let mut planner = Planner::new(catalog, root, next_node)?;
        planner.check_values(changes);
        let leaving = planner.name_what_leaves(changes)?;
        if planner.refused.is_empty() {
            planner.detach(changes, &leaving);
            planner.attach(changes, &leaving)?;
        }
        if !planner.refused.is_empty() {
            return Ok(Err(planner.refused));
        }
        Ok(Ok(Self { touched: planner.touched, root, rows: planner.rows }))
    }

    /// A plan that touches these nodes and changes nothing logical; `rows` has all directories above them.
    pub(super) fn renewing(root: Node, touched: BTreeMap<Node, Touched>, rows: HashMap<Node, BasePlace>) -> Self {
        Self { touched, root, rows }
    }

    /// The path of a directory in the result; nothing if it is gone.
    pub(super) fn result_path(&self, node: Node) -> Option<RelPath> {
        if node == self.root {
            return Some(RelPath::root());
        }
        if let Some(touched) = self.touched.get(&node) {
            return touched.result.as_ref().map(|result| result.path.clone());
        }
        let row = &self.rows.get(&node)?.row;
        self.result_path(row.parent)?.join(&row.name).ok()
    }

    /// The metadata of a directory in the result.
    pub(super) fn result_metadata(&self, node: Node) -> Option<&Metadata> {
        match self.touched.get(&node) {
            Some(touched) => touched.result.as_ref().map(|result| result.entry.metadata()),
            None => self.rows.get(&node).map(|base| base.row.entry.metadata()),
        }
    }

    /// A directory and all above it, as the base has them.
    pub(super) fn with_ancestors(&self, node: Node) -> impl Iterator<Item = Node> {
        std::iter::successors(Some(node), |node| {
            let above = self.rows.get(node)?.row.parent;
            (above != Node::CLIENT).then_some(above)
        })
    }
}

/// A plan in the making.
struct Planner<'a> {
    catalog: &'a Catalog,
    next_node: &'a mut dyn FnMut() -> Node,
    root: Node,
    rows: HashMap<Node, BasePlace>,
    /// What is at places of the base, as far as it was asked.
    base: HashMap<(Node, Name), Option<Node>>,
    /// What is at places of the result, where that is not what the base has.
    overlay: HashMap<(Node, Name), Option<Node>>,
    base_directories: HashMap<RelPath, Option<Node>>,
    /// Grows from the root down while things arrive in that order, so nothing in it becomes untrue.
    result_directories: HashMap<RelPath, Option<Node>>,
    touched: BTreeMap<Node, Touched>,
    refused: Vec<Refused>,
}

impl<'a> Planner<'a> {
    fn new(catalog: &'a Catalog, root: Node, next_node: &'a mut dyn FnMut() -> Node) -> Result<Self, CatalogError> {
        let row = catalog.newest_of(root)?;
        let row = row.ok_or_else(|| CatalogError::Damaged("a mirror without a root".to_owned()))?;
        Ok(Self {
            catalog,
            next_node,
            root,
            rows: HashMap::from([(root, BasePlace { row, path: RelPath::root() })]),
            base: HashMap::new(),
            overlay: HashMap::new(),
            base_directories: HashMap::from([(RelPath::root(), Some(root))]),
            result_directories: HashMap::from([(RelPath::root(), Some(root))]),
            touched: BTreeMap::new(),
            refused: Vec::new(),
        })
    }

    fn refuse(&mut self, index: usize, reason: RefusalReason) {
        let index = u32::try_from(index).expect("a batch has fewer than 2^32 changes");
        self.refused.push(Refused { index, reason });
    }

    /// Values that no tree could hold, and two changes for one place.
    fn check_values(&mut self, changes: &[Change]) {
        let mut arriving = BTreeSet::new();
        for (index, change) in changes.iter().enumerate() {
            let root_allowed = matches!(change, Change::Metadata { .. });
            let is_bad_root = change.path().is_root() && !root_allowed;
            if is_bad_root || change.metadata().is_some_and(|metadata| !metadata.is_valid()) {
                self.refuse(index, RefusalReason::Invalid);
            }
            if !matches!(change, Change::Delete { .. }) && !arriving.insert(change.path()) {
                self.refuse(index, RefusalReason::Contradiction);
            }
        }
    }

    /// The nodes that deletes and moves name, by the place of the change: each names something, and names it once.
    fn name_what_leaves(&mut self, changes: &[Change]) -> Result<HashMap<usize, Node>, CatalogError> {
        let vacated = Leaving::of(changes);
        let mut leaving = HashMap::new();
        let mut named = BTreeSet::new();
        for (index, change) in changes.iter().enumerate() {
            let (Change::Delete { path } | Change::Move { from: path, .. }) = change else { continue };
            let goes_along = matches!(change, Change::Delete { .. }) && vacated.takes_along(path);
            let Some(node) = self.base_node(path)? else {
                self.refuse(index, RefusalReason::Missing);
                continue;
            };
            let kind = self.rows[&node].row.entry.kind();
            if goes_along || !named.insert(node) {
                self.refuse(index, RefusalReason::Contradiction);
            } else if change.entry().is_some_and(|new| new.kind() != kind) {
                self.refuse(index, RefusalReason::WrongKind);
            } else {
                leaving.insert(index, node);
            }
        }
        Ok(leaving)
    }

    /// Vacates the places of what leaves.
    fn detach(&mut self, changes: &[Change], leaving: &HashMap<usize, Node>) {
        for (index, node) in leaving {
            let row = &self.rows[node].row;
            self.overlay.insert((row.parent, row.name.clone()), None);
            if matches!(changes[*index], Change::Delete { .. }) {
                self.goes(*node);
            }
        }
    }

    /// Puts in what arrives, a directory before what is in it.
    fn attach(&mut self, changes: &[Change], leaving: &HashMap<usize, Node>) -> Result<(), CatalogError> {
        let arrives = |index: &usize| !matches!(changes[*index], Change::Delete { .. });
        let mut arriving: Vec<usize> = (0..changes.len()).filter(arrives).collect();
        arriving.sort_by(|a, b| changes[*a].path().cmp(changes[*b].path()));
        for index in arriving {
            let refusal = match changes[index].path().split_last() {
                None => self.describe_root(&changes[index]),
                Some((above, name)) => match self.result_directory(&above)? {
                    None => Some(RefusalReason::NoParent),
                    Some(parent) => {
                        let there = self.result_child(parent, &name)?;
                        self.attach_one(&changes[index], (parent, name), there, leaving.get(&index).copied())
                    }
                },
            };
            if let Some(reason) = refusal {
                self.refuse(index, reason);
            }
        }
        Ok(())
    }

    fn describe_root(&mut self, change: &Change) -> Option<RefusalReason> {
        let mut entry = self.rows[&self.root].row.entry.clone();
        change.metadata()?.clone_into(entry.metadata_mut());
        let row = &self.rows[&self.root].row;
        let place = (row.parent, row.name.clone());
        self.comes(self.root, place, RelPath::root(), entry, false);
        None
    }

    fn attach_one(
        &mut self,
        change: &Change,
        place: (Node, Name),
        there: Option<Node>,
        moved: Option<Node>,
    ) -> Option<RefusalReason> {
        use RefusalReason::{Missing, Occupied, WrongKind};
        let old = there.map(|node| (node, self.kind(node)));
        let path = change.path().clone();
        match (change, old) {
            (Change::Create { .. }, Some(_)) | (Change::Move { .. }, Some((_, Kind::Directory))) => Some(Occupied),
            (Change::Modify { .. } | Change::Replace { .. } | Change::Metadata { .. }, None) => Some(Missing),
            (Change::Modify { entry, .. }, Some((_, kind))) if kind != entry.kind() || kind == Kind::Directory => {
                Some(WrongKind)
            }
            (Change::Replace { entry, .. }, Some((_, kind))) if kind == entry.kind() => Some(WrongKind),
            (Change::Metadata { metadata, .. }, Some((node, _))) => {
                let mut entry = self.rows.get(&node)?.row.entry.clone();
                metadata.clone_into(entry.metadata_mut());
                self.comes(node, place, path, entry, false);
                None
            }
            (Change::Modify { entry, .. }, Some((node, _))) => {
                self.comes(node, place, path, entry.clone(), true);
                None
            }
            (Change::Move { entry, .. }, occupant) => {
                let node = moved?;
                if let Some((occupant, _)) = occupant {
                    self.goes(occupant);
                }
                let is_fresh = !self.rows[&node].row.entry.same_content(entry);
                self.comes(node, place, path, entry.clone(), is_fresh);
                None
            }
            (Change::Create { entry, .. } | Change::Replace { entry, .. }, occupant) => {
                if let Some((occupant, _)) = occupant {
                    self.goes(occupant);
                }
                let node = (self.next_node)();
                self.comes(node, place, path, entry.clone(), true);
                None
            }
            (Change::Delete { .. }, _) => None,
        }
    }

    fn goes(&mut self, node: Node) {
        let base = self.rows.get(&node).cloned();
        self.touched.insert(node, Touched { base, result: None, is_fresh: false });
    }

    fn comes(&mut self, node: Node, place: (Node, Name), path: RelPath, entry: Entry, is_fresh: bool) {
        let base = self.rows.get(&node).cloned();
        let (parent, name) = place.clone();
        let result = Some(ResultPlace { parent, name, path, entry });
        self.touched.insert(node, Touched { base, result, is_fresh });
        self.overlay.insert(place, Some(node));
    }

    fn kind(&self, node: Node) -> Kind {
        let arrived = self.touched.get(&node).and_then(|touched| touched.result.as_ref()).map(|result| &result.entry);
        arrived.or(self.rows.get(&node).map(|base| &base.row.entry)).map_or(Kind::File, Entry::kind)
    }

    fn base_child(&mut self, parent: Node, name: &Name) -> Result<Option<Node>, CatalogError> {
        let key = (parent, name.clone());
        if let Some(known) = self.base.get(&key) {
            return Ok(*known);
        }
        let found = match (self.rows.get(&parent).map(|base| base.path.join(name)), self.catalog.child(parent, name)?) {
            (Some(Ok(path)), Some(row)) => {
                let node = row.node;
                self.rows.insert(node, BasePlace { row, path });
                Some(node)
            }
            _ => None,
        };
        self.base.insert(key, found);
        Ok(found)
    }

    fn base_node(&mut self, path: &RelPath) -> Result<Option<Node>, CatalogError> {
        let Some((above, name)) = path.split_last() else { return Ok(None) };
        match self.base_directory(&above)? {
            Some(parent) => self.base_child(parent, &name),
            None => Ok(None),
        }
    }

    fn base_directory(&mut self, path: &RelPath) -> Result<Option<Node>, CatalogError> {
        if let Some(known) = self.base_directories.get(path) {
            return Ok(*known);
        }
        let found = self.base_node(path)?;
        let found = found.filter(|node| self.rows[node].row.entry.kind() == Kind::Directory);
        self.base_directories.insert(path.clone(), found);
        Ok(found)
    }

    fn result_child(&mut self, parent: Node, name: &Name) -> Result<Option<Node>, CatalogError> {
        match self.overlay.get(&(parent, name.clone())) {
            Some(changed) => Ok(*changed),
            None if self.rows.contains_key(&parent) => self.base_child(parent, name),
            None => Ok(None),
        }
    }

    fn result_directory(&mut self, path: &RelPath) -> Result<Option<Node>, CatalogError> {
        if let Some(known) = self.result_directories.get(path) {
            return Ok(*known);
        }
        let Some((above, name)) = path.split_last() else { return Ok(Some(self.root)) };
        let found = match self.result_directory(&above)? {
            Some(parent) => self.result_child(parent, &name)?.filter(|node| self.kind(*node) == Kind::Directory),
            None => None,
        };
        self.result_directories.insert(path.clone(), found);
        Ok(found)
    }
}
