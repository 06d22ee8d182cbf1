//! `bench media`: one call's sound and picture, part by part; each part prints a table, gives its figures, and draws its plots under
//! `target/bench/`.

mod cpu;
mod drift;
mod echo;
mod emulated;
mod playout;
mod plot;
mod seal;
mod soak;
mod threads;
mod timeline;

use anyhow::Result;
use serde_json::{Map, Value};

/// A measurement of `bench media`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// A simulated room: what comes back of a far voice, what is lost of a near one, and what that costs.
    Echo,
    /// Two members with an emulated network between them (needs root): delay, freezes and gaps over time.
    Playout,
    /// The same: flash against beep.
    Sync,
    /// Clocks of two devices that differ, for ten minutes of counted time.
    Drift,
    /// What end-to-end encryption costs, packet by packet.
    Seal,
    /// CPU time of each thread in a call of four and a call of two, with and without a window.
    Cpu,
    /// Four members for `--minutes`: memory, threads, open files and delay stay flat. Only when asked for.
    Soak,
}

/// How to measure.
pub struct Plan<'a> {
    /// Where a part has no length of its own, it lasts so long.
    pub seconds: u64,
    /// The soak lasts so long.
    pub minutes: u64,
    /// Of emulated networks, only these, if any is named.
    pub scenarios: &'a [String],
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Playout => "playout",
            Self::Sync => "sync",
            Self::Drift => "drift",
            Self::Seal => "seal",
            Self::Cpu => "cpu",
            Self::Soak => "soak",
        }
    }

    /// Whether it takes part when no part is named.
    fn is_usual(self) -> bool {
        match self {
            // The playout part says it as well.
            Self::Sync | Self::Soak => false,
            Self::Echo | Self::Playout | Self::Drift | Self::Seal | Self::Cpu => true,
        }
    }

    fn measure(self, plan: &Plan<'_>) -> Result<Value> {
        let Plan { seconds, minutes, scenarios } = *plan;
        match self {
            Self::Echo => echo::run(),
            Self::Playout => playout::run(scenarios, seconds),
            Self::Sync => playout::sync(scenarios, seconds),
            Self::Drift => drift::run(),
            Self::Seal => seal::run(),
            Self::Cpu => cpu::run(seconds),
            Self::Soak => soak::run(minutes),
        }
    }
}

/// Measures these parts; all usual ones when none is named.
pub fn run(parts: &[Part], plan: &Plan<'_>) -> Result<Value> {
    let all = <Part as clap::ValueEnum>::value_variants();
    let wanted = |part: &Part| if parts.is_empty() { part.is_usual() } else { parts.contains(part) };
    let mut figures = Map::new();
    for part in all.iter().copied().filter(wanted) {
        println!("-- {}", part.name());
        figures.insert(part.name().to_owned(), part.measure(plan)?);
    }
    Ok(Value::Object(figures))
}
