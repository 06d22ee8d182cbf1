//! Names that the server gives to rooms, members and signed-in people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        $(#[$doc])*
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text of an id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A room; also its invite code.
    #[schema(example = "k7wq2mnd")]
    RoomId
}
id! {
    /// A person's seat in one room.
    #[schema(example = "h4t9x2kqm7rw")]
    MemberId
}
id! {
    /// A signed-in person, whatever room they are in.
    #[schema(example = "m3k8v5xq2t7hw9n4r6cj")]
    Identity
}
