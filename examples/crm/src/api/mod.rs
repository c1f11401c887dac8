//! The JSON side: the same model and the same statements, other clothes.

pub mod leads;
pub mod reports;
