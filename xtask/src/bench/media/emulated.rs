//! Two members of a call with an emulated network between them: server and Ann on the far side, Ben on the near one. What Ben
//! sees came down the link from the relay; what Ann sees went up the link from Ben's publisher.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parlor_lab::net::{Network, Plan, Side, available};
use serde_json::Value;

use super::timeline::Timeline;
use crate::bench::screen::{Screen, unix_ms};
use crate::bench::{load, peer};
use crate::call::{Bot, Member, Report, Server};
use crate::command::built;

/// For a room to be listed, and for bots to end after their time.
const LIMIT: Duration = Duration::from_secs(60);
/// From "both are there" to the beginning of what is measured.
const SETTLE: Duration = Duration::from_secs(5);
/// The port in the far namespace, where nobody else listens.
const PORT: u16 = 1935;
/// A picture that costs more than the narrow link of the rate step carries.
const PICTURE: [&str; 6] = ["--size", "640x360", "--fps", "30", "--kbps", "1000"];

/// What the network does.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// For files.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// The link from the beginning on.
    pub link: &'static str,
    /// What changes after so many seconds, and a word for it.
    pub changes: &'static [(u32, &'static str, &'static str)],
    /// How long the link delays at least, one way, in ms: what no player can be faster than.
    pub one_way_ms: f64,
    pub seconds: u32,
}

const ALL: [Scenario; 5] = [
    Scenario { name: "clean", title: "no disturbance", link: "both:delay=15", changes: &[], one_way_ms: 15.0, seconds: 20 },
    Scenario {
        name: "jitter",
        title: "30 ms, give or take 30 ms",
        link: "both:delay=30",
        changes: &[(5, "both:jitter=30", "jitter 30 ms"), (25, "both:jitter=0", "no jitter")],
        one_way_ms: 30.0,
        seconds: 35,
    },
    Scenario {
        name: "loss",
        title: "1 % loss at 30 ms round trip",
        link: "both:delay=15",
        changes: &[(5, "both:loss=1", "1 % loss"), (35, "both:loss=0", "no loss")],
        one_way_ms: 15.0,
        seconds: 45,
    },
    Scenario {
        name: "rate",
        title: "10 -> 0.7 -> 10 Mbit/s at 30 ms round trip",
        link: "both:delay=15,rate=10000",
        changes: &[(5, "both:rate=700", "0.7 Mbit/s"), (25, "both:rate=10000", "10 Mbit/s")],
        one_way_ms: 15.0,
        seconds: 45,
    },
    Scenario {
        name: "cut",
        title: "cut off for 5 s at 30 ms round trip",
        link: "both:delay=15",
        changes: &[(5, "both:cut=1", "cut"), (10, "both:cut=0", "back")],
        one_way_ms: 15.0,
        seconds: 30,
    },
];

/// Those with these names, all if there are none; the undisturbed one lasts `seconds`.
pub fn named(names: &[String], seconds: u64) -> impl Iterator<Item = Scenario> {
    let clean = u32::try_from(seconds).unwrap_or(u32::MAX);
    let wanted = |of: &Scenario| names.is_empty() || names.iter().any(|name| name == of.name);
    ALL.into_iter().filter(wanted).map(move |of| if of.changes.is_empty() { Scenario { seconds: clean, ..of } } else { of })
}

impl Scenario {
    /// When the last disturbance ends, in seconds.
    pub fn calm_again(&self) -> Option<f64> {
        self.changes.last().map(|(at, ..)| f64::from(*at))
    }

    /// When the first one begins.
    pub fn disturbed(&self) -> Option<f64> {
        self.changes.first().map(|(at, ..)| f64::from(*at))
    }

    /// What was done when, for a plot.
    pub fn marks(&self) -> Vec<(f64, String)> {
        self.changes.iter().map(|(at, _, word)| (f64::from(*at), (*word).to_owned())).collect()
    }

    fn plan(&self) -> Result<Plan> {
        let later: Vec<String> = self.changes.iter().map(|(at, change, _)| format!("{at}:{change}")).collect();
        Ok(Plan::parse(std::iter::once(self.link).chain(later.iter().map(String::as_str)))?)
    }
}

/// One member's view of the other.
pub struct View {
    /// Who sees, and over which direction of the link.
    pub name: &'static str,
    /// What was at each tenth of a second, counted from the beginning of the scenario.
    pub timeline: Timeline,
    /// The bot's report about the other.
    pub peer: Value,
}

/// A scenario's outcome.
pub struct Outcome {
    pub views: [View; 2],
    pub busy: f64,
}

/// What a plain player makes of the same link: ffmpeg publishes to nginx-rtmp, ffplay shows it. Seconds and milliseconds.
pub fn peer(scenario: &Scenario, screen: &mut Screen) -> Result<Vec<(f64, f64)>> {
    let network = Network::start(&Plan::parse([scenario.link])?)?;
    let plan = scenario.plan()?;
    let reading = peer::measure_through(screen, &network, scenario.seconds.into(), || network.follow(&plan))?;
    Ok(reading.seen_s.iter().copied().zip(reading.delays_ms.iter().copied()).collect())
}

/// Has the two of them talk through `scenario`.
pub fn run(scenario: &Scenario) -> Result<Outcome> {
    if let Err(reason) = available() {
        bail!("no network can be emulated here: {reason}");
    }
    let network = Network::start(&Plan::parse([scenario.link])?)?;
    let far = |program: &str| {
        let mut command = Command::new(built(program, true));
        network.namespace(Side::Far).take(&mut command);
        command
    };
    let address = format!("{}:{PORT}", Side::Far.address());
    let server = Server::start_at(far("parlor-server"), &address, &["--plain"])?;
    let machine = load::Machine::now();
    // Both stay until the scenario is over, however long they take to come.
    let stay = SETTLE + Duration::from_secs(scenario.seconds.into()) + Duration::from_secs(2);
    let bot =
        |name| Bot::new(&server.url, name, stay.as_secs() + 5, true).with(&PICTURE).with(&["--carrier", "tcp", "--timeline"]);
    let ann = bot("Ann").with(&["--create", "Bench", "--mode", "duo"]);
    let ann = ann.start_by(|command| network.namespace(Side::Far).take(command))?;
    network.inside(Side::Far, || server.wait_for_room("Bench", 1, LIMIT))??;
    let ben = bot("Ben").with(&["--enter", "Bench"]).start_by(|command| network.namespace(Side::Near).take(command))?;
    network.inside(Side::Far, || server.wait_for_room("Bench", 2, LIMIT))??;
    std::thread::sleep(SETTLE);
    network.follow(&scenario.plan()?);
    let zero = unix_ms() as f64 / 1000.0;
    let report = |member: Member| member.finish(stay + LIMIT);
    // Ann made the room: it is dissolved when she goes, and Ben goes with her.
    let [ann, ben] = [report(ann)?, report(ben)?];
    let busy = machine.busy_since();
    let view = |name, report: &Report| -> Result<View> {
        let peer = report.json["peers"][0].clone();
        let points = peer["timeline"].as_array().with_context(|| format!("{}: {}", report.name, report.complaint.trim()))?;
        let begun = report.json["started_unix_ms"].as_f64().context("the bot does not say when it began")? / 1000.0;
        let timeline = Timeline::read(points, zero - begun, f64::from(scenario.seconds));
        Ok(View { name, timeline, peer })
    };
    let views = [view("down the link", &ben)?, view("up the link", &ann)?];
    Ok(Outcome { views, busy })
}
