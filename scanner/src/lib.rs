//! scanner.
