//! Expansions and statements of models, compared with snapshots.
