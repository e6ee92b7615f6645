//! What nobody can guess, from the operating system.

use eks_access::access::{Nonce, Random};

/// For a request's id and its button. `None` if the operating system gives none, which Linux does not do.
#[must_use]
pub fn random() -> Option<Random> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).ok()?;
    Some(Random(bytes))
}

/// For a button.
#[must_use]
pub fn nonce() -> Option<Nonce> {
    random().map(Random::nonce)
}
