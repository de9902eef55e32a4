//! Parts of a large directory: together they are the whole, and no name or row is in two.

use proptest::prelude::*;
use seams::recorded::Row;

use super::*;

fn name(number: u8) -> Name {
    Name::parse(format!("{number:03}").as_bytes()).expect("valid")
}

fn row(name: Name) -> Row {
    Row { name, directory: None, acknowledged: None, inode: None, reading: None }
}

proptest! {
    #[test]
    fn the_parts_of_a_directory_are_all_of_it_in_order(
        names in prop::collection::btree_set(any::<u8>(), 0..40), rows in prop::collection::btree_set(any::<u8>(), 0..40),
    ) {
        let all_rows: Vec<Row> = rows.iter().map(|number| row(name(*number))).collect();
        let all_names: Vec<Name> = names.iter().map(|number| name(*number)).collect();
        let mut left: Vec<Name> = all_names.iter().rev().cloned().collect();
        let (mut seen_names, mut seen_rows, mut end) = (Vec::new(), Vec::new(), None::<Name>);
        loop {
            let next = all_rows.iter().filter(|row| end.as_ref().is_none_or(|end| row.name > *end)).take(PART);
            let part = Part::first(&mut left, next.cloned().collect());
            prop_assert!(part.names.len() <= PART && part.rows.len() <= PART);
            let is_in = |name: &Name| part.end.as_ref().is_none_or(|last| name <= last) && end.as_ref().is_none_or(|end| name > end);
            prop_assert!(part.names.iter().chain(part.rows.iter().map(|row| &row.name)).all(is_in));
            seen_names.extend(part.names);
            seen_rows.extend(part.rows);
            end = part.end;
            if end.is_none() {
                break;
            }
        }
        prop_assert_eq!(seen_names, all_names);
        prop_assert_eq!(seen_rows, all_rows);
    }
}
