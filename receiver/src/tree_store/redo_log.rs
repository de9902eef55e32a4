//! The redo log as the catalog holds it: rows of many steps each, in order. Ten thousand rows that are written with
//! each commit and deleted after it cost more than the steps themselves.

use minicbor::decode::Decoder;

use crate::catalog::CatalogError;
use crate::tree_store::step::Step;

/// Steps that one row holds.
const STEPS_PER_ROW: usize = 256;

/// Steps as rows: each a CBOR sequence (RFC 8742).
pub(super) fn to_rows(steps: &[Step]) -> Vec<Vec<u8>> {
    let row = |steps: &[Step]| {
        let mut row = Vec::new();
        for step in steps {
            minicbor::encode(step, &mut row).expect("encoding to memory cannot fail");
        }
        row
    };
    steps.chunks(STEPS_PER_ROW).map(row).collect()
}

/// The steps of rows.
///
/// # Errors
/// `Damaged` where a row holds anything else.
pub(super) fn from_rows(rows: &[Vec<u8>]) -> Result<Vec<Step>, CatalogError> {
    let mut steps = Vec::new();
    for row in rows {
        let mut decoder = Decoder::new(row);
        while decoder.position() < row.len() {
            let step = decoder.decode();
            steps.push(step.map_err(|error| CatalogError::Damaged(format!("a step of the redo log: {error}")))?);
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use protocol::RelPath;

    use super::*;

    fn discard(inode: u64) -> Step {
        Step::Discard { base: RelPath::parse(b"d/f").expect("valid"), inode }
    }

    #[test]
    fn steps_come_back_in_order_however_many_rows_they_take() {
        for count in [0, 1, 255, 256, 257, 1_000] {
            let steps: Vec<Step> = (0..count).map(discard).collect();
            let rows = to_rows(&steps);
            assert_eq!(rows.len(), steps.len().div_ceil(STEPS_PER_ROW));
            assert_eq!(from_rows(&rows).expect("as written"), steps);
        }
    }

    #[test]
    fn a_row_that_is_cut_short_is_damaged() {
        let mut rows = to_rows(&[discard(1), discard(2)]);
        rows[0].pop();
        assert!(matches!(from_rows(&rows), Err(CatalogError::Damaged(_))));
    }
}
