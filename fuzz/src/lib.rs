//! What the fuzz targets share: how an input is taken apart, and naive models to compare the program with.
//!
//! A model is written from the specification, byte by byte and without regard to cost, and shares no code with what it
//! is compared with.

pub mod input;
pub mod lines;
pub mod output;
pub mod requests;
pub mod words;
