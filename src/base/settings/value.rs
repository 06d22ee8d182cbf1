//! What a setting can be: single words, perhaps one, or several.

use crate::base::Secret;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What kind of thing a setting is, for whoever writes it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// True or false.
    Switch,
    /// A number.
    Number,
    /// One piece of text.
    Text,
    /// Text that is never shown.
    Secret,
    /// Several pieces of text.
    List,
}

/// What is written as one word.
pub trait Word: Sized {
    /// What kind of thing it is.
    const SHAPE: Shape = Shape::Text;
    /// How the value is called in help: `FILE`.
    const NAME: &'static str;
    /// What may be written, as the end of a sentence that begins with "must be".
    const ALLOWED: &'static str;

    /// The value that is written as `word`.
    fn read(word: &str) -> Option<Self>;

    /// The word for this value; [`read`](Self::read) understands it.
    fn show(&self) -> String;
}

/// One setting's value: a [`Word`], an `Option` of one, or a `Vec` of them.
pub trait Value {
    /// What kind of thing it is.
    fn shape(&self) -> Shape;
    /// How it is called in help.
    fn name(&self) -> &'static str;
    /// What may be written.
    fn allowed(&self) -> Cow<'static, str>;
    /// Its words; none when it is not set.
    fn words(&self) -> Vec<String>;
    /// Takes another value; false, and no change, if the words mean none.
    fn set(&mut self, words: &[String]) -> bool;
}

impl<T: Word> Value for T {
    fn shape(&self) -> Shape {
        T::SHAPE
    }

    fn name(&self) -> &'static str {
        T::NAME
    }

    fn allowed(&self) -> Cow<'static, str> {
        T::ALLOWED.into()
    }

    fn words(&self) -> Vec<String> {
        vec![self.show()]
    }

    fn set(&mut self, words: &[String]) -> bool {
        let read = if let [word] = words { T::read(word.trim()) } else { None };
        read.map(|value| *self = value).is_some()
    }
}

impl<T: Word> Value for Option<T> {
    fn shape(&self) -> Shape {
        T::SHAPE
    }

    fn name(&self) -> &'static str {
        T::NAME
    }

    fn allowed(&self) -> Cow<'static, str> {
        T::ALLOWED.into()
    }

    fn words(&self) -> Vec<String> {
        self.iter().map(T::show).collect()
    }

    fn set(&mut self, words: &[String]) -> bool {
        *self = match words {
            [] => None,
            [word] if word.trim().is_empty() => None,
            [word] => match T::read(word.trim()) {
                Some(value) => Some(value),
                None => return false,
            },
            _ => return false,
        };
        true
    }
}

impl<T: Word> Value for Vec<T> {
    fn shape(&self) -> Shape {
        Shape::List
    }

    fn name(&self) -> &'static str {
        T::NAME
    }

    fn allowed(&self) -> Cow<'static, str> {
        T::ALLOWED.into()
    }

    fn words(&self) -> Vec<String> {
        self.iter().map(T::show).collect()
    }

    fn set(&mut self, words: &[String]) -> bool {
        let read: Option<Self> = words.iter().map(|word| T::read(word.trim())).collect();
        read.map(|values| *self = values).is_some()
    }
}

impl Word for bool {
    const SHAPE: Shape = Shape::Switch;
    const NAME: &'static str = "BOOL";
    const ALLOWED: &'static str = "true or false";

    fn read(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! number {
    ($($number:ty),*) => {$(
        impl Word for $number {
            const SHAPE: Shape = Shape::Number;
            const NAME: &'static str = "N";
            const ALLOWED: &'static str = "a whole number";

            fn read(word: &str) -> Option<Self> {
                word.replace('_', "").parse().ok()
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

number!(u16, u32, u64, usize);

/// What has a `Display` that its `FromStr` understands.
macro_rules! text {
    ($($text:ty, $name:literal, $allowed:literal;)*) => {$(
        impl Word for $text {
            const NAME: &'static str = $name;
            const ALLOWED: &'static str = $allowed;

            fn read(word: &str) -> Option<Self> {
                word.parse().ok().filter(|_| !word.is_empty())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

text! {
    String, "TEXT", "text";
    SocketAddr, "ADDR:PORT", "an address and port such as 0.0.0.0:1935 or [::]:1935";
    IpAddr, "ADDR", "an address such as 10.0.0.1";
}

impl Word for PathBuf {
    const NAME: &'static str = "PATH";
    const ALLOWED: &'static str = "a path";

    fn read(word: &str) -> Option<Self> {
        (!word.is_empty()).then(|| Self::from(word))
    }

    fn show(&self) -> String {
        self.to_string_lossy().into_owned()
    }
}

impl Word for Secret {
    const SHAPE: Shape = Shape::Secret;
    const NAME: &'static str = "SECRET";
    const ALLOWED: &'static str = "text";

    fn read(word: &str) -> Option<Self> {
        (!word.is_empty()).then(|| Self::new(word))
    }

    fn show(&self) -> String {
        self.expose().to_owned()
    }
}
