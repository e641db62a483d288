//! The library of this crate.
