//! Bytes and shares as people type them.

/// Digits behind the point of a percentage that count.
const DECIMALS: usize = 2;
/// Hundredths of a percent in a whole.
const WHOLE: u32 = 10_000;

/// A percentage up to 100 as hundredths of a percent.
pub(super) fn hundredths(percent: &str) -> Option<u32> {
    let (whole, part) = percent.split_once('.').unwrap_or((percent, "0"));
    let digits = Some(part).filter(|part| part.len() <= DECIMALS)?;
    let part = number(&format!("{digits:0<DECIMALS$}")).filter(|_| !digits.is_empty())?;
    let all = number(whole)?.checked_mul(100)?.checked_add(part)?;
    u32::try_from(all).ok().filter(|all| *all <= WHOLE)
}

/// A whole number of bytes, with or without a unit.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    number(count)?.checked_mul(factor(unit.trim_start())?)
}

fn number(digits: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn factor(unit: &str) -> Option<u64> {
    let factor = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    Some(factor)
}
