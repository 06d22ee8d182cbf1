//! Settings that know their own names: a struct written with [`settings!`] can be walked, so that a file's keys, environment variables,
//! flags, help, the printed configuration and the guide's table all come from the one place where the field stands.
//!
//! A field is a [`Value`] (one setting) or another such struct (a section). Nothing here reads files or arguments: `host::config` does.
//!
//! ```
//! parlor::base::settings! {
//!     /// What a kettle may do.
//!     #[derive(Clone, Debug)]
//!     pub struct Kettle {
//!         /// How hot the water gets.
//!         pub degrees: u32 = 100 => 1..=100;
//!         /// Where it stands; read at the start only.
//!         pub place: Option<String> = None, restart;
//!     }
//! }
//! use parlor::base::settings::{About, Node};
//! let mut keys = Vec::new();
//! Kettle::default().walk("kettle", &About::default(), &mut |setting| keys.push(setting.key.to_owned()));
//! assert_eq!(keys, ["kettle.degrees", "kettle.place"]);
//! ```

mod value;

pub use value::{Shape, Value, Word};

use crate::base::Clock;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// What stands beside a field: everything but its value.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The field's documentation: a sentence for the operator.
    pub help: &'static str,
    /// Whether a change needs the program to start anew.
    pub restart: bool,
    /// Between which numbers it must be.
    pub range: Option<RangeInclusive<u64>>,
}

/// One setting on a walk.
pub struct Setting<'a> {
    /// Its name with the sections it is in: `limits.rooms`.
    pub key: &'a str,
    /// What stands beside it.
    pub about: &'a About,
    value: &'a mut dyn Value,
}

impl Setting<'_> {
    /// What kind of thing it is.
    pub fn shape(&self) -> Shape {
        self.value.shape()
    }

    /// How its value is called in help: `FILE`.
    pub fn value_name(&self) -> &'static str {
        self.value.name()
    }

    /// What may be written, as the end of a sentence that begins with "must be".
    pub fn allowed(&self) -> Cow<'static, str> {
        match &self.about.range {
            Some(range) => format!("a whole number from {} to {}", range.start(), range.end()).into(),
            None => self.value.allowed(),
        }
    }

    /// Its value as words, none when it is not set. [`set`](Self::set) understands them. Those of a secret are the secret.
    pub fn words(&self) -> Vec<String> {
        self.value.words()
    }

    /// Takes another value; false, and no change, if that is not [`allowed`](Self::allowed).
    pub fn set(&mut self, words: &[String]) -> bool {
        let fits = |word: &String| match &self.about.range {
            Some(range) => word.replace('_', "").parse().is_ok_and(|number| range.contains(&number)),
            None => true,
        };
        words.iter().filter(|word| !word.is_empty()).all(fits) && self.value.set(words)
    }
}

/// A setting or a section of settings.
pub trait Node {
    /// Shows each setting inside to `visit`, in the order in which they are written. `key` is the name of this node, empty for the root.
    fn walk(&mut self, key: &str, about: &About, visit: &mut dyn FnMut(Setting<'_>));
}

impl<T: Value> Node for T {
    fn walk(&mut self, key: &str, about: &About, visit: &mut dyn FnMut(Setting<'_>)) {
        visit(Setting { key, about, value: self });
    }
}

/// Clocks are for tests: no operator sets one.
impl Node for Clock {
    fn walk(&mut self, _: &str, _: &About, _: &mut dyn FnMut(Setting<'_>)) {}
}

/// `section.field`, without a dot in front at the root.
pub fn join(section: &str, field: &str) -> String {
    if section.is_empty() { field.to_owned() } else { format!("{section}.{field}") }
}

/// Defines a struct of settings with its default values: documentation is the help text, `=>` gives the range of a number, `restart` marks
/// what is read at the start only, and `as "name"` puts a section under another name (two sections may share one).
#[macro_export]
#[doc(hidden)]
macro_rules! __settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                pub $field:ident : $ty:ty $(as $key:literal)? = $default:expr $(=> $range:expr)? $(, $restart:ident)? ;
            )*
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $( $(#[doc = $doc])+ pub $field: $ty, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::base::settings::Node for $name {
            fn walk(
                &mut self,
                key: &str,
                _: &$crate::base::settings::About,
                visit: &mut dyn FnMut($crate::base::settings::Setting<'_>),
            ) {
                $({
                    let name = [$($key,)? stringify!($field)][0];
                    let about = $crate::base::settings::About {
                        help: concat!($($doc),+),
                        restart: [$(stringify!($restart),)? ""][0] == "restart",
                        range: [$(Some($range),)? None][0].clone(),
                    };
                    $crate::base::settings::Node::walk(
                        &mut self.$field, &$crate::base::settings::join(key, name), &about, visit,
                    );
                })*
            }
        }
    };
}

/// Defines an enum whose variants are words in a configuration.
#[macro_export]
#[doc(hidden)]
macro_rules! __choices {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident, $allowed:literal {
            $( $(#[$about:meta])* $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $( $(#[$about])* $variant, )+
        }

        impl $crate::base::settings::Word for $name {
            const NAME: &'static str = "WORD";
            const ALLOWED: &'static str = $allowed;

            fn read(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$variant), )+
                    _ => None,
                }
            }

            fn show(&self) -> String {
                match self {
                    $( Self::$variant => $word.to_owned(), )+
                }
            }
        }
    };
}

pub use crate::__choices as choices;
pub use crate::__settings as settings;

#[cfg(test)]
mod tests {
    use super::*;

    choices! {
        /// How loud.
        enum Volume, "low or high" {
            /// Whispers.
            Low = "low",
            /// Shouts.
            High = "high",
        }
    }

    settings! {
        #[derive(Clone, Debug)]
        struct Outer {
            /// A switch.
            pub on: bool = false;
            /// Two lines
            /// of help.
            pub names: Vec<String> = vec![], restart;
            /// A section.
            pub inner: Inner = Inner::default();
            /// Another one of the same name.
            pub more: More as "inner" = More::default();
        }
    }

    settings! {
        #[derive(Clone, Debug)]
        struct Inner {
            /// A number.
            pub count: usize = 3 => 1..=10;
        }
    }

    settings! {
        #[derive(Clone, Debug)]
        struct More {
            /// A choice.
            pub volume: Volume = Volume::Low;
            /// Perhaps a number.
            pub maybe: Option<u32> = None => 5..=6;
        }
    }

    fn set(outer: &mut Outer, wanted: &str, words: &[&str]) -> bool {
        let words: Vec<String> = words.iter().map(|&w| w.to_owned()).collect();
        let mut done = false;
        outer.walk("", &About::default(), &mut |mut setting| {
            if setting.key == wanted {
                done = setting.set(&words);
            }
        });
        done
    }

    #[test]
    fn a_walk_shows_every_field_with_what_stands_beside_it() {
        let mut seen = Vec::new();
        Outer::default().walk("", &About::default(), &mut |s| {
            seen.push((s.key.to_owned(), s.about.help.trim(), s.about.restart, s.allowed().into_owned(), s.words()));
        });
        let row = |key: &str, help, restart, allowed: &str, words: &[&str]| {
            (key.to_owned(), help, restart, allowed.to_owned(), words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(
            seen,
            [
                row("on", "A switch.", false, "true or false", &["false"]),
                row("names", "Two lines of help.", true, "text", &[]),
                row("inner.count", "A number.", false, "a whole number from 1 to 10", &["3"]),
                row("inner.volume", "A choice.", false, "low or high", &["low"]),
                row("inner.maybe", "Perhaps a number.", false, "a whole number from 5 to 6", &[]),
            ]
        );
    }

    #[test]
    fn only_what_is_allowed_is_taken() {
        let mut outer = Outer::default();
        for (key, good, bad) in [
            ("on", &["true"][..], &["maybe"][..]),
            ("names", &["a", "b"], &[""]),
            ("inner.count", &["1_0"], &["11"]),
            ("inner.count", &["2"], &["-1"]),
            ("inner.volume", &["high"], &["High", "low"]),
            ("inner.maybe", &["6"], &["4"]),
        ] {
            assert!(set(&mut outer, key, good), "{key} {good:?}");
            assert!(key == "names" || !set(&mut outer, key, bad), "{key} {bad:?}");
        }
        assert!(outer.on && outer.names == ["a", "b"] && outer.inner.count == 2);
        assert_eq!((outer.more.volume, outer.more.maybe), (Volume::High, Some(6)));
        assert!(set(&mut outer, "inner.maybe", &[""]) && outer.more.maybe.is_none(), "nothing takes an option away");
    }
}
