//! From the tables of the channel to the dictionaries of `model`, and back.
//!
//! One file each namespace of the schema. What comes in is copied and checked as far as `model`'s types ask; what
//! goes out borrows. Conversions are `From` where nothing can be wrong and `TryFrom` where something can, so a
//! handler writes `.into()` and knows from the type which it is.
//!
//! What the npm package insists on and a schema cannot say is kept here and nowhere else: which optional fields are
//! written although they are empty, which are left out although they are known, and how names of codecs are spelled.

mod common;
mod consumer;
mod data_consumer;
mod data_producer;
mod mime_type;
mod producer;
mod router;
mod rtp_packet;
mod rtp_parameters;
mod rtp_stream;
mod sctp;
mod srtp_parameters;
mod transport;
mod transport_dump;
mod transport_stats;
mod web_rtc_server;
mod web_rtc_transport;
mod worker;

pub(crate) use rtp_parameters::produced;

use model::Invalid;

/// Converts every element.
pub(crate) fn list<'a, A: 'a, B: From<&'a A>>(items: impl IntoIterator<Item = &'a A>) -> Vec<B> {
    items.into_iter().map(B::from).collect()
}

/// Converts every element; an error says which it was.
pub(crate) fn try_list<A, B>(items: Vec<A>, name: &str) -> Result<Vec<B>, Invalid>
where
    B: TryFrom<A, Error = Invalid>,
{
    let convert = |(index, item)| B::try_from(item).map_err(|why| within(&format!("{name}[{index}]"), why));
    items.into_iter().enumerate().map(convert).collect()
}

/// Says that the field is one of `place`.
pub(crate) fn within(place: &str, mut why: Invalid) -> Invalid {
    why.field = format!("{place}.{}", why.field);
    why
}

/// A text that the package leaves empty where there is none.
pub(crate) fn given(text: Option<crate::flat::Str<'_>>) -> Option<Box<str>> {
    text.filter(|text| !text.is_empty()).map(Into::into)
}

/// Enums that name the same things on both sides.
macro_rules! words {
    ($($model:ty, $schema:ty: $($ours:ident = $theirs:ident),+;)+) => {$(
        impl From<$model> for $schema {
            fn from(word: $model) -> Self {
                match word { $(<$model>::$ours => Self::$theirs,)+ }
            }
        }

        impl From<$schema> for $model {
            fn from(word: $schema) -> Self {
                match word { $(<$schema>::$theirs => Self::$ours,)+ }
            }
        }
    )+};
}
pub(crate) use words;
