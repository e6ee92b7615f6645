//! Whether an access entry is ours, by its tags, which survive the loss of the table.

use std::collections::BTreeMap;

use super::{MANAGED_BY, RequestId, TAGS};
use crate::timestamp;

/// What the tags of an entry say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// It is ours.
    Ours {
        /// The request it was made for.
        request: RequestId,
        /// When it ends, in milliseconds since 1970.
        ends: i64,
    },
    /// It is somebody else's, and is never touched.
    Foreign,
    /// It bears our mark, but what else there should be can't be read. It is not touched, and people are told.
    Unreadable,
}

impl Ownership {
    /// What these tags say.
    #[must_use]
    pub fn of<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tags: BTreeMap<&str, &str> = tags.into_iter().collect();
        let [managed_by, request_id, expires_at] = TAGS;
        if tags.get(managed_by) != Some(&MANAGED_BY) {
            return Self::Foreign;
        }
        let request = tags.get(request_id).and_then(|id| id.parse().ok());
        let ends = tags.get(expires_at).and_then(|time| timestamp::parse(time));
        match (request, ends) {
            (Some(request), Some(ends)) => Self::Ours { request, ends },
            _ => Self::Unreadable,
        }
    }

    /// Whether it is the entry of this request.
    #[must_use]
    pub fn is_of(&self, id: &RequestId) -> bool {
        matches!(self, Self::Ours { request, .. } if request == id)
    }
}

/// The tags of an entry of ours.
#[must_use]
pub fn tags(id: &RequestId, ends: i64) -> [(&'static str, String); 3] {
    let [managed_by, request_id, expires_at] = TAGS;
    [
        (managed_by, MANAGED_BY.to_owned()),
        (request_id, id.to_string()),
        (expires_at, timestamp::rfc3339(ends)),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Ownership, tags};

    #[test]
    fn our_tags_are_read_back() {
        let id = "0123456789abcdef".parse().unwrap();
        let ours = tags(&id, 1_772_359_200_000);
        let read = Ownership::of(ours.iter().map(|(key, value)| (*key, value.as_str())));
        assert_eq!(
            read,
            Ownership::Ours {
                request: id,
                ends: 1_772_359_200_000
            }
        );
    }

    #[test]
    fn without_our_mark_nothing_is_ours_and_with_it_nothing_is_guessed() {
        let of = |tags: &[(&'static str, &'static str)]| Ownership::of(tags.iter().copied());
        assert_eq!(of(&[]), Ownership::Foreign);
        assert_eq!(
            of(&[
                ("managed-by", "terraform"),
                ("request-id", "0123456789abcdef")
            ]),
            Ownership::Foreign
        );
        assert_eq!(
            of(&[("managed-by", "eks-access-responder")]),
            Ownership::Unreadable
        );
        assert_eq!(
            of(&[
                ("managed-by", "eks-access-responder"),
                ("request-id", "0123456789ABCDEF"),
                ("expires-at", "2026-03-01T10:00:00Z")
            ]),
            Ownership::Unreadable
        );
    }
}
