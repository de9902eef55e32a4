//! Partial maps of names: which file of some goes under which name, and which goes away.

/// The names, as many as a map may have.
pub(crate) const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// For each name the place its file goes to, if it does not go away.
pub(crate) type PartialMap = Vec<Option<usize>>;

/// All maps of so many names that put no two files in one place: 34 of three, 1,546 of five.
pub(crate) fn partial_maps(names: usize) -> Vec<PartialMap> {
    let mut all: Vec<PartialMap> = vec![Vec::new()];
    for _ in 0..names {
        let places = || std::iter::once(None).chain((0..names).map(Some));
        let extend = |map: PartialMap| {
            let is_free = {
                let map = map.clone();
                move |to: &Option<usize>| to.is_none() || !map.contains(to)
            };
            places().filter(is_free).map(move |to| map.iter().copied().chain([to]).collect()).collect::<Vec<_>>()
        };
        all = all.into_iter().flat_map(extend).collect();
    }
    all
}

#[test]
fn there_are_1546_partial_maps_of_five_names() {
    assert_eq!(partial_maps(5).len(), 1_546);
}
