//! The scripts of the queue in Redis: each is one step that happens as a whole, in one round trip.

use deadpool_redis::redis::Script;

/// One script for each thing that is asked of the store.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) push: Script,
    pub(super) existing: Script,
    pub(super) open_queue: Script,
    pub(super) share: Script,
    pub(super) claim: Script,
    pub(super) settle: Script,
    pub(super) extend: Script,
    pub(super) recover: Script,
    pub(super) pause: Script,
    pub(super) paused: Script,
    pub(super) bury: Script,
    pub(super) find: Script,
    pub(super) dead: Script,
    pub(super) revive: Script,
    pub(super) discard: Script,
    pub(super) depths: Script,
    pub(super) vacuum: Script,
    pub(super) schedule: Script,
}

/// All of them begin with the same lines.
macro_rules! script {
    ($($part:literal),+) => {
        Script::new(concat!(
            include_str!("lua/lanes.lua"),
            $(include_str!(concat!("lua/", $part, ".lua"))),+
        ))
    };
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            push: script!("push"),
            existing: script!("jobs", "existing"),
            open_queue: script!("jobs", "open_queue"),
            share: script!("jobs", "share"),
            claim: script!("jobs", "claim"),
            settle: script!("jobs", "settle"),
            extend: script!("jobs", "extend"),
            recover: script!("jobs", "recover"),
            pause: script!("jobs", "pause"),
            paused: script!("jobs", "paused"),
            bury: script!("jobs", "bury"),
            find: script!("jobs", "find"),
            dead: script!("jobs", "dead"),
            revive: script!("jobs", "revive"),
            discard: script!("jobs", "discard"),
            depths: script!("jobs", "depths"),
            vacuum: script!("jobs", "vacuum"),
            schedule: script!("jobs", "schedule"),
        }
    }
}
