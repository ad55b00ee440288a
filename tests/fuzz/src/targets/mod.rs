//! A file for each target.

pub mod both;
pub mod chain;
pub mod did;
pub mod json;
pub mod proof;
pub mod target;
pub mod token;
