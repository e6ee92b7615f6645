//! What a digest would like to know before it says why, and what became of it.

use std::collections::{BTreeSet, HashMap};

use super::{Digest, FOREIGN, Incident, Key, Subject};
use crate::cluster::Cluster;
use crate::facts::Facts;
use crate::principal::Principal;
use crate::symptom::Symptom;

/// What was learned for each question.
pub type Answers = HashMap<Question, Facts>;

/// What is asked about one cluster and one principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// The cluster.
    pub cluster: Cluster,
    /// What the lines said.
    pub symptom: Symptom,
    /// Who was refused, if the lines name one.
    pub principal: Option<Principal>,
}

impl Digest {
    /// What to ask about the incidents, the gravest and most frequent first, at most `most` of them and as many
    /// principals of other accounts.
    #[must_use]
    pub fn questions(&self, most: usize) -> Vec<Question> {
        let mut incidents: Vec<(&Key, &Incident)> = self
            .incidents
            .iter()
            .filter(|(_, incident)| incident.is_told())
            // There is nothing to find out about a cluster that does not exist.
            .filter(|(key, _)| !self.cluster(key.cluster).is_self_test())
            .collect();
        incidents.sort_by(|(key, one), (other_key, other)| {
            let rank = |incident: &Incident| (incident.cause.severity, incident.count);
            rank(other).cmp(&rank(one)).then_with(|| key.cmp(other_key))
        });
        let of_strangers = incidents
            .iter()
            .filter(|(key, _)| key.subject == Subject::ForeignAccounts)
            .flat_map(|(key, incident)| incident.of_strangers(self.cluster(key.cluster)))
            .take(most);
        let own = incidents
            .iter()
            .map(|(key, incident)| incident.question(key, &self.cluster(key.cluster)));
        let mut seen = BTreeSet::new();
        own.take(most)
            .chain(of_strangers)
            .filter(|question| seen.insert(question.clone()))
            .collect()
    }
}

impl Incident {
    /// What to ask about the incident as a whole.
    pub(super) fn question(&self, key: &Key, cluster: &Cluster) -> Question {
        let principal = match &key.subject {
            Subject::Principal(principal) => Some(principal.clone()),
            Subject::ForeignAccounts | Subject::Nobody => None,
        };
        Question {
            cluster: cluster.clone(),
            symptom: self.symptom,
            principal,
        }
    }

    /// What to ask about each principal of another account: whether the cluster knows it after all.
    fn of_strangers(&self, cluster: Cluster) -> impl Iterator<Item = Question> {
        self.principals.keys().map(move |principal| Question {
            cluster: cluster.clone(),
            symptom: self.symptom,
            principal: Some(principal.clone()),
        })
    }

    /// Takes those out of the strangers whom the cluster has an access entry for: somebody let them in on purpose, and
    /// each is an incident of its own.
    pub(super) fn acquaintances(
        &mut self,
        key: &Key,
        cluster: &Cluster,
        answers: &Answers,
    ) -> Vec<(Key, Self)> {
        if key.cause != FOREIGN {
            return Vec::new();
        }
        let known: Vec<Principal> = self
            .of_strangers(cluster.clone())
            .filter(|question| {
                answers
                    .get(question)
                    .is_some_and(|facts| facts.own_entry().is_some())
            })
            .filter_map(|question| question.principal)
            .collect();
        known
            .into_iter()
            .map(|principal| {
                let count = self.principals.remove(&principal).unwrap_or_default();
                self.count -= count;
                let one = Self {
                    count,
                    principals: [(principal.clone(), count)].into(),
                    ..self.clone()
                };
                let key = Key {
                    subject: Subject::Principal(principal),
                    ..key.clone()
                };
                (key, one)
            })
            .collect()
    }
}
