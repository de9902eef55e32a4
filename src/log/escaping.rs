//! [`Escaping`]: a writer of whole lines in which no control character gets through.

use std::io::{self, Write};

use protocol::is_harmless;

/// Passes lines on with their control characters escaped, but for the newline at the end. Each write must be one
/// whole line, as the formatters of `tracing` make them.
#[derive(Debug)]
pub(super) struct Escaping<W>(W);

impl<W> Escaping<W> {
    /// Around a writer.
    pub(super) const fn new(inner: W) -> Self {
        Self(inner)
    }
}

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(&escaped(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escaped(line: &[u8]) -> Vec<u8> {
    let mut shown = String::with_capacity(line.len());
    for character in String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).chars() {
        if is_harmless(character) {
            shown.push(character);
        } else {
            // The form is JSON's, so that a line of JSON stays one and still means the same.
            shown.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
    }
    shown.push('\n');
    shown.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_commands_no_terminal() {
        assert_eq!(escaped(b"a\nb\x1b[31m\n"), b"a\\u000ab\\u001b[31m\n");
        assert_eq!(escaped("gr\u{fc}n \u{202e}x".as_bytes()), "gr\u{fc}n \\u202ex\n".as_bytes());
    }
}
