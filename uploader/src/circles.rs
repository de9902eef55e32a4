//! [`units`]: what needs each other in a circle, needed things first (Tarjan 1972, without recursion: a chain of
//! renames can be as long as a plan).

use crate::entangled::Unit;

/// The strongly connected parts of a graph, each after all it needs. Roots are taken in the given order.
pub(crate) fn units(needs: &[Vec<usize>], roots: impl Iterator<Item = usize>) -> Vec<Unit> {
    let unseen = Visit { number: None, low: 0, next: 0, open: false };
    let mut search = Search { needs, visits: vec![unseen; needs.len()], open: Vec::new(), seen: 0, units: Vec::new() };
    for root in roots {
        if search.visits[root].number.is_none() {
            search.explore(root);
        }
    }
    search.units
}

#[derive(Debug, Clone, Copy)]
struct Visit {
    /// When it was reached.
    number: Option<usize>,
    /// The earliest open one that is reachable from it.
    low: usize,
    /// Which of its needs is looked at next.
    next: usize,
    /// Whether its unit is not complete yet.
    open: bool,
}

struct Search<'a> {
    needs: &'a [Vec<usize>],
    visits: Vec<Visit>,
    open: Vec<usize>,
    seen: usize,
    units: Vec<Unit>,
}

impl Search<'_> {
    fn explore(&mut self, root: usize) {
        let mut path = vec![self.enter(root)];
        while let Some(&node) = path.last() {
            let next = self.needs[node].get(self.visits[node].next).copied();
            self.visits[node].next += 1;
            match next {
                Some(need) if self.visits[need].number.is_none() => path.push(self.enter(need)),
                Some(need) if self.visits[need].open => self.reaches(node, self.visits[need].low),
                Some(_) => {}
                None => {
                    path.pop();
                    self.leave(node);
                    if let Some(&parent) = path.last() {
                        self.reaches(parent, self.visits[node].low);
                    }
                }
            }
        }
    }

    fn enter(&mut self, node: usize) -> usize {
        self.visits[node] = Visit { number: Some(self.seen), low: self.seen, next: 0, open: true };
        self.open.push(node);
        self.seen += 1;
        node
    }

    fn reaches(&mut self, node: usize, low: usize) {
        self.visits[node].low = self.visits[node].low.min(low);
    }

    /// A node that reaches nothing earlier closes its unit: everything opened since.
    fn leave(&mut self, node: usize) {
        if Some(self.visits[node].low) != self.visits[node].number {
            return;
        }
        let start = self.open.iter().rposition(|open| *open == node).expect("a node is open until its unit is closed");
        let unit = self.open.split_off(start);
        for member in &unit {
            self.visits[*member].open = false;
        }
        self.units.push(unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(needs: &[Vec<usize>]) -> Vec<Unit> {
        let mut units = units(needs, 0..needs.len());
        units.iter_mut().for_each(|unit| unit.sort_unstable());
        units
    }

    #[test]
    fn needed_things_come_first_and_circles_together() {
        assert_eq!(sorted(&[vec![1], vec![2], vec![]]), [vec![2], vec![1], vec![0]]);
        assert_eq!(sorted(&[vec![1], vec![0], vec![]]), [vec![0, 1], vec![2]]);
        assert_eq!(sorted(&[vec![1, 3], vec![2], vec![1], vec![]]), [vec![1, 2], vec![3], vec![0]]);
    }

    #[test]
    fn a_chain_as_long_as_a_plan_needs_no_deep_stack() {
        let length = 200_000;
        let mut needs: Vec<Vec<usize>> = (1..length).map(|next| vec![next]).collect();
        needs.push(vec![]);
        assert_eq!(units(&needs, 0..length).len(), length);
        needs[length - 1].push(0);
        assert_eq!(units(&needs, 0..length).len(), 1);
    }
}
