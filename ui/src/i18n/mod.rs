//! What the interface says, in every language it speaks, and how it writes numbers and times.
//!
//! Messages live in `words/`, one file an area. [`catalogue!`] takes each message with its English and its Korean text
//! side by side, so a missing translation or a wrong argument does not compile. Reading a message in a view tracks the
//! language: switching it rewrites the page in place, without a reload and without losing what was typed.
//!
//! Not here: what the server says (error details, template texts), which is shown as it comes.

pub mod format;
mod language;
pub mod words;

pub use language::{Language, language, set_language, start, t};

/// Declares one area's messages as a type whose methods return the text in the current language.
///
/// ```text
/// catalogue! {
///     /// The top bar.
///     TopBar {
///         sign_out => "Sign out", "로그아웃";
///         age(seconds: &str) => format!("{seconds} old"), format!("{seconds} 전 정보");
///     }
/// }
/// ```
macro_rules! catalogue {
    ($(#[$doc:meta])* $name:ident { $( $field:ident $(( $($arg:ident : $ty:ty),* ))? => $english:expr, $korean:expr; )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub $crate::i18n::Language);

        impl $name {
            $(
                #[doc = concat!("In English: `", stringify!($english), "`.")]
                pub fn $field(self $(, $($arg: $ty),*)?) -> String {
                    match self.0 {
                        $crate::i18n::Language::English => ::std::convert::Into::into($english),
                        $crate::i18n::Language::Korean => ::std::convert::Into::into($korean),
                    }
                }
            )*
        }
    };
}
pub(crate) use catalogue;
