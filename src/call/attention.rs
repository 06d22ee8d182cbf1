//! Who speaks: whose tile gets the border, and whether one talks into a muted microphone. Pure; told the time.

use crate::proto::MemberId;
use std::time::Duration;

/// From this loudness on somebody speaks (RMS of 100 ms, full scale is 1)...
const SPEAKS: f32 = 0.02;
/// ...for this long: a cough is shorter.
const BEGINS: Duration = Duration::from_millis(200);
/// Whoever has the border keeps it over pauses of this length.
const PAUSE: Duration = Duration::from_millis(1200);
/// Somebody else takes it over while it is in use, when they are so many times louder...
const LOUDER: f32 = 1.5;
/// ...for so long.
const TAKES_OVER: Duration = Duration::from_millis(700);
/// Loudness falls by half in this time, as far as comparing goes: between syllables nobody is silent.
const HALF: Duration = Duration::from_millis(250);
/// Whoever talks while muted is told so once, and again after this.
const REMIND: Duration = Duration::from_secs(30);
/// How long one has to talk before that; a word to somebody in the room is shorter.
const TALKS: Duration = Duration::from_millis(1500);

/// Decides whose tile has the border, without flicker.
#[derive(Debug, Default)]
pub struct ActiveSpeaker {
    people: Vec<Person>,
    active: Option<MemberId>,
    last: Option<Duration>,
}

#[derive(Debug)]
struct Person {
    member: MemberId,
    loudness: f32,
    /// Since when they speak, and when last.
    since: Option<Duration>,
    heard: Duration,
    /// Since when they are louder than whoever has the border.
    louder: Option<Duration>,
}

impl ActiveSpeaker {
    /// Takes everybody's loudness at `now`; says who has the border. Somebody who is no longer in `levels` is gone.
    pub fn update<'a>(&mut self, levels: impl Iterator<Item = (&'a MemberId, f32)>, now: Duration) -> Option<&MemberId> {
        let step = now.saturating_sub(self.last.replace(now).unwrap_or(now));
        let kept = 0.5_f32.powf(step.as_secs_f32() / HALF.as_secs_f32());
        let mut people = Vec::new();
        for (member, level) in levels {
            let mut person = match self.people.iter().position(|p| p.member == *member) {
                Some(at) => self.people.swap_remove(at),
                None => Person { member: member.clone(), loudness: 0.0, since: None, heard: now, louder: None },
            };
            person.loudness = level.max(person.loudness * kept);
            if person.loudness > SPEAKS {
                person.since.get_or_insert(now);
                person.heard = now;
            } else {
                person.since = None;
            }
            people.push(person);
        }
        self.people = people;
        self.decide(now);
        self.active.as_ref()
    }

    fn decide(&mut self, now: Duration) {
        let current = self.active.take();
        let holder = self.people.iter().find(|p| Some(&p.member) == current.as_ref());
        let holder = holder.filter(|p| now.saturating_sub(p.heard) < PAUSE);
        let quiet = holder.is_none_or(|p| p.since.is_none());
        let (loud, holder) = (holder.map_or(0.0, |p| p.loudness), holder.map(|p| p.member.clone()));
        let mut best: Option<(f32, MemberId)> = None;
        for person in self.people.iter_mut().filter(|p| Some(&p.member) != holder.as_ref()) {
            let speaks = person.since.is_some_and(|since| now.saturating_sub(since) >= BEGINS);
            let louder = speaks && person.loudness > loud * LOUDER;
            person.louder = if louder { person.louder.or(Some(now)) } else { None };
            let takes = person.louder.is_some_and(|since| now.saturating_sub(since) >= TAKES_OVER);
            if ((speaks && quiet) || takes) && best.as_ref().is_none_or(|(most, _)| person.loudness > *most) {
                best = Some((person.loudness, person.member.clone()));
            }
        }
        self.active = best.map(|(_, member)| member).or(holder);
    }
}

/// Decides when to say "you are talking while muted".
#[derive(Debug, Default)]
pub struct MutedTalk {
    since: Option<Duration>,
    told: Option<Duration>,
}

impl MutedTalk {
    /// Takes whether the microphone is on, and whether somebody speaks into it; true when it is time to say so.
    pub fn update(&mut self, mic: bool, speaking: bool, now: Duration) -> bool {
        if mic {
            *self = Self::default();
            return false;
        }
        self.since = if speaking { self.since.or(Some(now)) } else { None };
        let talks = self.since.is_some_and(|since| now.saturating_sub(since) >= TALKS);
        let due = talks && self.told.is_none_or(|told| now.saturating_sub(told) >= REMIND);
        if due {
            self.told = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_secs(100) + Duration::from_millis(ms)
    }

    /// Who has the border at each tenth of a second, given the levels of Ann, Ben and Cem there.
    fn watch(levels: &[[f32; 3]]) -> String {
        let names = ["a", "b", "c"].map(MemberId::new);
        let mut active = ActiveSpeaker::default();
        let shown = levels.iter().enumerate().map(|(n, levels)| {
            let pairs = names.iter().zip(levels.iter().copied());
            active.update(pairs, at(100 * n as u64)).map_or("-".to_owned(), ToString::to_string)
        });
        shown.collect()
    }

    fn for_tenths(n: usize, levels: [f32; 3]) -> Vec<[f32; 3]> {
        vec![levels; n]
    }

    #[test]
    fn the_border_comes_with_a_word_stays_over_a_pause_and_goes_after_it() {
        let levels =
            [for_tenths(10, [0.1, 0.0, 0.0]), for_tenths(8, [0.0; 3]), for_tenths(5, [0.1, 0.0, 0.0]), for_tenths(30, [0.0; 3])];
        let shown = watch(&levels.concat());
        assert!(shown.starts_with("--aaaaaaaa"), "{shown}");
        assert!(shown[2..24].chars().all(|c| c == 'a'), "no flicker: {shown}");
        assert!(shown.ends_with("----------"), "{shown}");
    }

    #[test]
    fn a_cough_or_laughter_of_others_does_not_take_the_border() {
        let mut levels = for_tenths(40, [0.1, 0.01, 0.0]);
        levels[15][1] = 0.5;
        levels[25][2] = 0.12;
        levels[26][2] = 0.12;
        assert!(watch(&levels)[2..].chars().all(|c| c == 'a'), "{}", watch(&levels));
        assert_eq!(watch(&[[0.0, 0.3, 0.0], [0.0; 3], [0.0; 3], [0.0; 3], [0.0; 3], [0.0; 3], [0.0; 3], [0.0; 3]])[..2], *"--");
    }

    #[test]
    fn who_answers_gets_it_soon_and_who_shouts_someone_down_after_a_moment() {
        let shown = watch(&[for_tenths(10, [0.1, 0.0, 0.0]), for_tenths(15, [0.0, 0.1, 0.0])].concat());
        let change = shown.find('b').unwrap();
        assert!((11..19).contains(&change) && shown[change..].chars().all(|c| c == 'b'), "{shown}");
        let shown = watch(&[for_tenths(10, [0.1, 0.0, 0.0]), for_tenths(20, [0.1, 0.3, 0.0])].concat());
        let change = shown.find('b').unwrap();
        assert!((17..22).contains(&change) && shown[change..].chars().all(|c| c == 'b'), "{shown}");
    }

    #[test]
    fn two_who_talk_over_each_other_do_not_make_it_jump() {
        let levels: Vec<[f32; 3]> = (0..100).map(|n| if n % 4 < 2 { [0.12, 0.06, 0.0] } else { [0.06, 0.12, 0.0] }).collect();
        let shown = watch(&levels);
        let jumps = shown.as_bytes().windows(2).filter(|w| w[0] != w[1]).count();
        assert!(jumps <= 2, "{shown}");
    }

    #[test]
    fn somebody_who_leaves_has_no_border() {
        let (ann, ben) = (MemberId::new("a"), MemberId::new("b"));
        let mut active = ActiveSpeaker::default();
        for n in 0..10 {
            active.update([(&ann, 0.2), (&ben, 0.0)].into_iter(), at(n * 100));
        }
        assert_eq!(active.update([(&ben, 0.0)].into_iter(), at(1000)), None);
    }

    #[test]
    fn who_talks_while_muted_is_told_once_in_a_while() {
        let mut talk = MutedTalk::default();
        let mut told = Vec::new();
        for n in 0..700_u64 {
            let speaking = !(200..250).contains(&n);
            if talk.update(n < 50, speaking, at(100 * n)) {
                told.push(n);
            }
        }
        assert_eq!(told, [65, 365, 665]);
        let mut short = MutedTalk::default();
        assert!((0..100).all(|n| !short.update(false, n % 20 < 10, at(100 * n))), "a word now and then");
    }
}
