//! Work in the background that somebody watches: importing leads from a file, exporting them into one.
//!
//! `jobs` is what is sent to the queue, `import` and `export` do it, `store` writes down how far they are, `handlers` show it.

pub mod export;
pub mod handlers;
pub mod import;
pub mod jobs;
pub mod model;
pub mod store;
pub mod views;
