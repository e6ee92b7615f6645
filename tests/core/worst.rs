//! A request for access at its worst: the longest names, hostile words, any state.

use eks_access::access::{
    Actor, Approval, Kind, News, Order, Place, Random, Request, SealKey, State,
};
use eks_access::policy::{AccessPolicy, Approver, Namespace, Terms};

/// Every kind of news.
pub(crate) const NEWS: [News; 16] = [
    News::Requested,
    News::Reminder,
    News::Approved,
    News::Granted,
    News::Denied,
    News::Expired,
    News::Failed,
    News::Ending,
    News::EndRequested,
    News::Extended,
    News::Revoked,
    News::RevokeFailed,
    News::Drift,
    News::BreakGlass,
    News::ReviewDue,
    News::Reviewed,
];

pub(crate) fn namespaces(count: usize) -> Vec<Namespace> {
    (0..count)
        .map(|number| format!("{number:063}").parse().unwrap())
        .collect()
}

/// A request in this state, with these words wherever a person has a say.
pub(crate) fn request(state: State, kind: Kind, words: &str) -> Request {
    let path = format!("/{}/", "p".repeat(510));
    let principal = format!("arn:aws:iam::111122223333:role{path}{}", "r".repeat(64));
    let place = Place {
        cluster: "a".repeat(100).parse().unwrap(),
        account: "111122223333".parse().unwrap(),
        region: "ap-southeast-1".parse().unwrap(),
    };
    let random = Random([7; 24]);
    let mut request = Request::new(random.id(), kind, &place, principal.parse().unwrap(), 0);
    let terms = Terms::new(AccessPolicy::Edit, namespaces(60), 43_200).unwrap();
    let key = SealKey::new(&"k".repeat(48)).unwrap();
    let order = Order::of(&request, &terms);
    let by = Approver::Iam {
        principal: format!("arn:aws:iam::111122223333:role/{}", "n".repeat(64)),
        session: Some("s".repeat(64)),
    };
    let reason = words.chars().take(500).collect::<String>();
    request.approvals = (0..10)
        .map(|number| Approval::sealed(&key, &order, by.clone(), number, &reason))
        .collect();
    request.state = state;
    request.terms = Some(terms);
    request.needed = 10;
    "principal-never-mapped".clone_into(&mut request.cause);
    request.session = Some(words.chars().take(64).collect());
    request.hints = vec!["h".repeat(400); 4];
    request.requested_by = Some(by.clone());
    request.reason = Some(reason.clone());
    request.starts = Some(1_000);
    request.ends = Some(43_201_000);
    request.ended_by = Some((Actor::Approver(by), reason.clone()));
    request.outcome = Some(reason);
    request
}
