//! One macro for the closed choices that have a word on the wire: the word, reading it, serde.

/// Declares an enum whose cases are words of the API. The first case is the default.
#[macro_export]
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $(#[$first_about:meta])* $first:ident = $first_word:literal $(, $(#[$case_about:meta])* $case:ident = $word:literal)* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[$first_about])* #[default] $first $(, $(#[$case_about])* $case)* }

        impl $name {
            pub const ALL: &'static [$name] = &[$name::$first $(, $name::$case)*];

            /// The word on the wire.
            pub const fn word(self) -> &'static str {
                match self { $name::$first => $first_word $(, $name::$case => $word)* }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::code::NotAWord;

            fn from_str(text: &str) -> Result<$name, $crate::code::NotAWord> {
                $name::ALL.iter().copied().find(|case| case.word() == text).ok_or_else(|| {
                    $crate::code::NotAWord::new(text, $name::ALL.iter().map(|case| case.word()))
                })
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.word())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                String::deserialize(from)?.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

/// A text that is none of the words of a closed choice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not one of {words}")]
pub struct NotAWord {
    text: String,
    words: String,
}

// === impl NotAWord ===

impl NotAWord {
    pub fn new(text: &str, words: impl Iterator<Item = &'static str>) -> NotAWord {
        let words = words.map(|word| if word.is_empty() { "\"\"" } else { word });
        NotAWord { text: text.into(), words: words.collect::<Vec<_>>().join(", ") }
    }
}
