//! Answers that are kept for a short while, so that many denials ask the same only once.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use eks_access::facts::{Fact, Unknown};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

/// How long an answer is kept.
const LIFE: Duration = Duration::from_mins(1);
/// How long it is kept that there was none, so that who could not be asked is not asked again at once.
const LIFE_UNKNOWN: Duration = Duration::from_secs(15);
/// Answers that are kept at once.
const MAX_KEPT: usize = 2048;

/// Answers by question. A function's clock stands still while it is frozen, the time of day does not: so that is what
/// answers age by.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    kept: Mutex<HashMap<K, Kept<V>>>,
}

#[derive(Debug)]
struct Kept<V> {
    asked: SystemTime,
    answer: Arc<OnceCell<Fact<V>>>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// The answer that is kept, or what `ask` finds out until then. Whoever asks the same meanwhile waits for the same
    /// answer.
    pub(super) async fn get(
        &self,
        key: K,
        until: Instant,
        ask: impl Future<Output = Fact<V>>,
    ) -> Fact<V> {
        let answer = self.slot(key);
        let found = timeout_at(until, answer.get_or_init(|| ask)).await;
        found.map_or(Fact::Unknown(Unknown::OutOfTime), Clone::clone)
    }

    fn slot(&self, key: K) -> Arc<OnceCell<Fact<V>>> {
        let now = SystemTime::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&key).filter(|known| known.is_fresh(now)) {
            return Arc::clone(&known.answer);
        }
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, known| known.is_fresh(now));
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let answer = Arc::new(OnceCell::new());
        let new = Kept {
            asked: now,
            answer: Arc::clone(&answer),
        };
        kept.insert(key, new);
        answer
    }
}

impl<V> Kept<V> {
    fn is_fresh(&self, now: SystemTime) -> bool {
        let life = match self.answer.get() {
            Some(Fact::Unknown(_)) => LIFE_UNKNOWN,
            Some(Fact::Known(_)) | None => LIFE,
        };
        // A clock that was set back makes nothing fresh.
        now.duration_since(self.asked).is_ok_and(|age| age < life)
    }
}
