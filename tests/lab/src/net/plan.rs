//! How bad the link is, and when: what people write, and what is meant by it.
//!
//! ```
//! use parlor_lab::net::{Direction, Plan};
//! let plan = Plan::parse(["both:delay=25,loss=1", "10:up:rate=300", "20:up:clear"]).unwrap();
//! assert_eq!(plan.first(Direction::Up).delay.as_millis(), 25);
//! ```

use std::str::FromStr;
use std::time::Duration;

/// No link is slower than this, in each way; keeps sums of times far from overflowing.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// One way through the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the near side to the far one.
    Up,
    /// From the far side to the near one.
    Down,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Up, Self::Down];
}

/// What one direction of a link does to packets. The default lets everything through at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// Share of packets lost, 0.0 to 1.0.
    pub loss: f64,
    /// How many packets are lost in a row, on average, when some are; at least 1.
    pub burst: f64,
    /// On the way for so long.
    pub delay: Duration,
    /// Up to so much more or less than that; the order is kept.
    pub jitter: Duration,
    /// Share of packets that have no delay and so overtake others.
    pub reorder: f64,
    /// Share of packets that come twice.
    pub duplicate: f64,
    /// Bits a second, each packet counted with 14 bytes for its frame; 0: without a limit.
    pub rate: u64,
    /// How long a packet may wait for its turn at that rate; what would wait longer is dropped.
    pub queue: Duration,
    /// Nothing passes.
    pub cut: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            loss: 0.0,
            burst: 1.0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            reorder: 0.0,
            duplicate: 0.0,
            rate: 0,
            queue: Duration::from_millis(200),
            cut: false,
        }
    }
}

impl Conditions {
    fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Clear => *self = Self::default(),
            Setting::Loss(share) => self.loss = share,
            Setting::Burst(packets) => self.burst = packets,
            Setting::Delay(time) => self.delay = time,
            Setting::Jitter(time) => self.jitter = time,
            Setting::Reorder(share) => self.reorder = share,
            Setting::Duplicate(share) => self.duplicate = share,
            Setting::Rate(rate) => self.rate = rate,
            Setting::Queue(time) => self.queue = time,
            Setting::Cut(cut) => self.cut = cut,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    Clear,
    Loss(f64),
    Burst(f64),
    Delay(Duration),
    Jitter(Duration),
    Reorder(f64),
    Duplicate(f64),
    Rate(u64),
    Queue(Duration),
    Cut(bool),
}

/// What changes, in which directions: `up:delay=50,loss=2`, `both:cut=1`, `down:clear,rate=500`. What is not named stays as it is.
///
/// | setting | unit |
/// |---|---|
/// | `loss` `reorder` `dup` | percent of packets |
/// | `burst` | packets lost in a row, on average |
/// | `delay` `jitter` `queue` | milliseconds |
/// | `rate` | kbit/s; 0 for no limit |
/// | `cut` | 1: nothing passes; 0: it does again |
/// | `clear` | a perfect link, as at the start |
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    directions: &'static [Direction],
    settings: Vec<Setting>,
}

/// Why a plan cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not `DIRECTION:SETTING,...`.
    #[error("'{0}' is not DIRECTION:SETTING=NUMBER,... with the direction up, down or both")]
    Direction(String),
    /// A setting without a number, or the other way round.
    #[error("'{0}' is not SETTING=NUMBER")]
    Form(String),
    /// An unknown word before the equals sign.
    #[error("there is no setting '{0}': loss, burst, delay, jitter, reorder, dup, rate, queue, cut, clear")]
    Unknown(String),
    /// A number that means nothing there.
    #[error("'{0}' is out of range: {1}")]
    Range(String, &'static str),
    /// The time before the first colon is none.
    #[error("'{0}' does not begin with a number of seconds and a colon")]
    Time(String),
}

impl Change {
    /// The directions concerned.
    pub fn directions(&self) -> &[Direction] {
        self.directions
    }

    /// Changes `conditions` if they are those of a direction concerned.
    pub fn apply(&self, direction: Direction, conditions: &mut Conditions) {
        if self.directions.contains(&direction) {
            self.settings.iter().for_each(|setting| conditions.set(*setting));
        }
    }
}

impl FromStr for Change {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let wrong = || PlanError::Direction(text.to_owned());
        let (direction, settings) = text.trim().split_once(':').ok_or_else(wrong)?;
        let directions: &[Direction] = match direction {
            "both" => &Direction::ALL,
            "up" => &[Direction::Up],
            "down" => &[Direction::Down],
            _ => return Err(wrong()),
        };
        let settings = settings.split(',').filter(|setting| !setting.is_empty()).map(parse).collect::<Result<_, _>>()?;
        Ok(Self { directions, settings })
    }
}

fn parse(text: &str) -> Result<Setting, PlanError> {
    if text == "clear" {
        return Ok(Setting::Clear);
    }
    let form = || PlanError::Form(text.to_owned());
    let (name, number) = text.split_once('=').ok_or_else(form)?;
    let number: f64 = number.parse().map_err(|_| form())?;
    let range = |words| PlanError::Range(text.to_owned(), words);
    if !number.is_finite() || number < 0.0 {
        return Err(range("a number from 0 on"));
    }
    let share = || if number <= 100.0 { Ok(number / 100.0) } else { Err(range("percent, 0 to 100")) };
    let time = || {
        let time = Duration::from_secs_f64(number.min(1e9) / 1000.0);
        if time <= MAX_DELAY { Ok(time) } else { Err(range("milliseconds, at most a minute")) }
    };
    Ok(match name {
        "loss" => Setting::Loss(share()?),
        "burst" if number < 1.0 => return Err(range("packets, 1 or more")),
        "burst" => Setting::Burst(number),
        "delay" => Setting::Delay(time()?),
        "jitter" => Setting::Jitter(time()?),
        "reorder" => Setting::Reorder(share()?),
        "dup" => Setting::Duplicate(share()?),
        "rate" if number > 1e8 => return Err(range("kbit/s, at most 100000000")),
        "rate" => Setting::Rate((number * 1000.0).round() as u64),
        "queue" => Setting::Queue(time()?),
        "cut" => Setting::Cut(number != 0.0),
        _ => return Err(PlanError::Unknown(name.to_owned())),
    })
}

/// The link at the start, and what changes later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    first: [Conditions; 2],
    /// In the order of their times.
    later: Vec<(Duration, Change)>,
    seed: u64,
}

impl Plan {
    /// From lines such as `both:delay=25` (from the start) and `10:up:rate=300` (after ten seconds).
    ///
    /// # Errors
    /// Says which line means nothing, and why.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        for line in lines {
            match line.split_once(':') {
                Some((time, change)) if time.starts_with(|first: char| first.is_ascii_digit()) => {
                    let seconds: f64 = time.parse().map_err(|_| PlanError::Time(line.to_owned()))?;
                    let time = Duration::try_from_secs_f64(seconds).map_err(|_| PlanError::Time(line.to_owned()))?;
                    plan.later.push((time, change.parse()?));
                }
                _ => {
                    let change: Change = line.parse()?;
                    for (direction, conditions) in Direction::ALL.into_iter().zip(&mut plan.first) {
                        change.apply(direction, conditions);
                    }
                }
            }
        }
        plan.later.sort_by_key(|(time, _)| *time);
        Ok(plan)
    }

    /// With other dice: each seed loses other packets, the same one always the same.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How a direction is at the start.
    pub fn first(&self, direction: Direction) -> Conditions {
        let [up, down] = self.first;
        match direction {
            Direction::Up => up,
            Direction::Down => down,
        }
    }

    /// What changes later, each with the time since the start, in order.
    pub fn later(&self) -> &[(Duration, Change)] {
        &self.later
    }

    /// For the dice of one direction.
    pub fn seed(&self, direction: Direction) -> u64 {
        self.seed.wrapping_mul(2).wrapping_add(u64::from(direction == Direction::Down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn every_setting_means_what_it_says() {
        let all = "both:loss=5,burst=3,delay=50,jitter=10,reorder=1,dup=2,rate=2000.5,queue=300,cut=1";
        let plan = Plan::parse([all]).unwrap();
        let wanted = Conditions {
            loss: 0.05,
            burst: 3.0,
            delay: ms(50),
            jitter: ms(10),
            reorder: 0.01,
            duplicate: 0.02,
            rate: 2_000_500,
            queue: ms(300),
            cut: true,
        };
        assert_eq!(plan.first(Direction::Up), wanted);
        assert_eq!(plan.first(Direction::Down), wanted);
        let plan = Plan::parse([all, "down:clear,delay=7", "up:cut=0"]).unwrap();
        assert_eq!(plan.first(Direction::Up), Conditions { cut: false, ..wanted });
        assert_eq!(plan.first(Direction::Down), Conditions { delay: ms(7), ..Conditions::default() });
    }

    #[test]
    fn later_changes_stand_in_the_order_of_time() {
        let plan = Plan::parse(["20.5:both:cut=0", "both:delay=1", "3:up:cut=1"]).unwrap();
        let times: Vec<Duration> = plan.later().iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [ms(3000), ms(20_500)]);
        let (_, cut) = &plan.later()[0];
        let (mut up, mut down) = (plan.first(Direction::Up), plan.first(Direction::Down));
        cut.apply(Direction::Up, &mut up);
        cut.apply(Direction::Down, &mut down);
        assert_eq!((up.cut, down.cut, up.delay), (true, false, ms(1)));
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let error = |line: &str| Plan::parse([line]).unwrap_err();
        assert_eq!(error("delay=5"), PlanError::Direction("delay=5".into()));
        assert_eq!(error("left:delay=5"), PlanError::Direction("left:delay=5".into()));
        assert_eq!(error("up:delay"), PlanError::Form("delay".into()));
        assert_eq!(error("up:delay=fast"), PlanError::Form("delay=fast".into()));
        assert_eq!(error("up:colour=5"), PlanError::Unknown("colour".into()));
        for line in ["up:loss=101", "up:loss=-1", "up:burst=0.5", "up:delay=60001", "up:rate=1e12", "up:loss=NaN", "up:loss=inf"]
        {
            assert!(matches!(error(line), PlanError::Range(..)), "{line}");
        }
        assert_eq!(error("1x:up:cut=1"), PlanError::Time("1x:up:cut=1".into()));
        assert_eq!(error("1:sideways:cut=1"), PlanError::Direction("sideways:cut=1".into()));
    }
}
