//! Whoever ended without a word takes their seat again, even where no other is free.

use crate::proxy::Proxy;
use crate::stage::{Person, Stage, enter};
use parlor::call::{Call, Config};
use parlor::proto::Mode;

#[test]
fn e2e_after_a_crash_the_seat_is_still_ones_own() {
    let stage = Stage::new();
    let cable = Proxy::to(stage.address);
    let ann = stage.create(Mode::Duo, "Ann");
    let before = Person::new(Call::start(Config { server: cable.address.to_string(), ..stage.config(enter(None), "Ben") }));
    before.in_call();
    ann.sees_and_hears("Ben");
    let me = before.call.snapshot().me.clone();
    assert!(me.session.is_some() && !format!("{me:?}").contains("token"), "it is in no log");
    cable.freeze();
    let after = Person::new(Call::start(Config { session: me.session.clone(), ..stage.config(enter(None), "Ben") }));
    after.in_call();
    assert_eq!(after.call.snapshot().me.member, me.member, "a two-party room has no other seat");
    after.sees_and_hears("Ann");
    ann.sees_and_hears("Ben");
    assert_eq!(ann.call.snapshot().peers.len(), 1);
}
