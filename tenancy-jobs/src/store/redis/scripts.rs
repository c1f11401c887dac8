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
    ($name:literal) => {
        Script::new(concat!(
            include_str!("lua/lanes.lua"),
            include_str!(concat!("lua/", $name, ".lua"))
        ))
    };
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            push: script!("push"),
            existing: script!("existing"),
            open_queue: script!("open_queue"),
            share: script!("share"),
            claim: script!("claim"),
            settle: script!("settle"),
            extend: script!("extend"),
            recover: script!("recover"),
            pause: script!("pause"),
            paused: script!("paused"),
            bury: script!("bury"),
            find: script!("find"),
            dead: script!("dead"),
            revive: script!("revive"),
            discard: script!("discard"),
            depths: script!("depths"),
            vacuum: script!("vacuum"),
            schedule: script!("schedule"),
        }
    }
}
