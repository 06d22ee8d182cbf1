//! Talking while a key is held down: Space in the window, or a key of one's choice anywhere. Pure; told what the keys do.

/// What the keys have done to the microphone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    held: [bool; 2],
    /// The microphone is on because of a key.
    ours: bool,
}

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Space, in the window.
    Space,
    /// The key that works everywhere.
    Anywhere,
}

impl Talk {
    /// A key is down or up, while the microphone is on or off; says what the microphone is to be now, where that changes. A microphone that is
    /// on anyway stays on.
    pub fn key(&mut self, by: By, down: bool, mic: bool) -> Option<bool> {
        let before = self.is_held();
        self.held[by as usize] = down;
        match (before, self.is_held()) {
            (false, true) => {
                self.ours = !mic;
                self.ours.then_some(true)
            }
            (true, false) => std::mem::take(&mut self.ours).then_some(false),
            _ => None,
        }
    }

    /// The microphone was switched by hand: letting go of the key leaves it as it is.
    pub fn switched(&mut self) {
        self.ours = false;
    }

    /// Somebody talks because of a key.
    pub fn is_talking(&self) -> bool {
        self.ours
    }

    fn is_held(&self) -> bool {
        self.held.contains(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_key_is_heard_until_it_is_let_go() {
        let mut talk = Talk::default();
        assert_eq!(talk.key(By::Space, false, false), None);
        assert_eq!(talk.key(By::Space, true, false), Some(true));
        assert!(talk.is_talking());
        assert_eq!(talk.key(By::Space, true, true), None, "keys repeat");
        assert_eq!(talk.key(By::Space, false, true), Some(false));
        assert!(!talk.is_talking());
    }

    #[test]
    fn a_microphone_that_is_on_stays_on() {
        let mut talk = Talk::default();
        assert_eq!(talk.key(By::Space, true, true), None);
        assert_eq!(talk.key(By::Space, false, true), None);
    }

    #[test]
    fn two_keys_are_one_as_long_as_either_is_held() {
        let mut talk = Talk::default();
        assert_eq!(talk.key(By::Anywhere, true, false), Some(true));
        assert_eq!(talk.key(By::Space, true, true), None);
        assert_eq!(talk.key(By::Anywhere, false, true), None);
        assert_eq!(talk.key(By::Space, false, true), Some(false));
    }

    #[test]
    fn what_is_switched_by_hand_meanwhile_stays() {
        let mut talk = Talk::default();
        assert_eq!(talk.key(By::Space, true, false), Some(true));
        talk.switched();
        assert_eq!(talk.key(By::Space, false, true), None);
    }
}
