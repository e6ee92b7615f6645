//! Amazon EKS (rest-json, 2017-11-01), stricter than any emulator: modes, principals, types, reserved names, scopes,
//! limits and paging, with the texts that AWS answers.
//!
//! What a client should never send is kept in [`Record::broken_rules`]; what depends on the state of the world (a mode,
//! a missing entry, a principal that does not exist, a conflict) is refused and no more.

mod cluster;
mod entry;
mod operations;
mod routes;
mod rules;
mod tags;
mod token;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};

pub use self::cluster::Cluster;
pub use self::entry::Entry;
use self::entry::{Association, Kept, default_groups, default_username};
use self::routes::{ROUTES, matched};
use crate::directory::Directory;
use crate::http::{Request, Response, Server};
use crate::record::{Answer, Asked, Call, Desk, Record, Refusal, Service};
use crate::wire::{instant, now, pairs};

/// What the authenticator of a cluster makes of a caller, from access entries alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// In, with this username (its templates unfilled) and these groups.
    Granted {
        /// The username.
        username: String,
        /// The groups.
        groups: Vec<String>,
    },
    /// `ARN is not mapped`.
    NotMapped,
    /// `ARN does not match User ID`: the id is known, under another ARN.
    OtherArn,
}

/// EKS in one region of one account.
#[derive(Clone)]
pub struct Eks {
    inner: Arc<Inner>,
}

struct Inner {
    region: String,
    directory: Directory,
    desk: Desk,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clusters: Vec<Held>,
    clock: Option<i64>,
    delay: i64,
    page: Option<usize>,
    entries_made: u64,
    /// Requests by operation and `clientRequestToken`: what was asked, and for which principal of which cluster.
    tokens: BTreeMap<(String, String), Map<String, Value>>,
}

/// A cluster and its entries.
struct Held {
    cluster: Cluster,
    entries: Vec<Kept>,
}

impl State {
    fn now(&self) -> i64 {
        self.clock.unwrap_or_else(now)
    }

    fn held(&mut self, name: &str) -> Result<&mut Held, Refusal> {
        self.clusters
            .iter_mut()
            .find(|held| held.cluster.name == name)
            .ok_or_else(|| rules::not_found(format!("No cluster found for name: {name}.")))
    }
}

impl Eks {
    /// EKS without clusters. It knows principals from the directory.
    pub fn new(region: &str, directory: &Directory, record: &Record) -> Self {
        Self {
            inner: Arc::new(Inner {
                region: region.to_owned(),
                directory: directory.clone(),
                desk: Desk::new(record.clone()),
                state: Mutex::default(),
            }),
        }
    }

    /// The same on a port of its own; also gives the value of `AWS_ENDPOINT_URL_EKS`.
    pub fn start(region: &str, directory: &Directory) -> (Self, String) {
        let eks = Self::new(region, directory, &Record::default());
        let for_server = eks.clone();
        let server = Server::start(move |request| for_server.answer(request));
        (eks, format!("http://{}", server.address()))
    }

    /// Answers one request.
    pub fn answer(&self, request: &Request) -> Response {
        self.inner.desk.serve(&*self.inner, request)
    }

    /// Lets the test decide about each request from now on.
    pub fn plan(&self, plan: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.inner.desk.plan(plan);
    }

    /// Calls this with every request from now on that was done or refused, its outcome known, before it is answered.
    pub fn after(&self, hook: impl Fn(&Asked) + Send + Sync + 'static) {
        self.inner.desk.after(hook);
    }

    /// What was asked.
    pub fn record(&self) -> &Record {
        &self.inner.desk.record
    }

    /// Adds a cluster.
    pub fn cluster(&self, cluster: Cluster) {
        let mut state = self.inner.state.lock().unwrap();
        assert!(
            state.held(&cluster.name).is_err(),
            "cluster {} exists already",
            cluster.name
        );
        state.clusters.push(Held {
            cluster,
            entries: Vec::new(),
        });
    }

    /// Changes a cluster: its mode, its status, ….
    pub fn change(&self, cluster: &str, change: impl FnOnce(Cluster) -> Cluster) {
        let mut state = self.inner.state.lock().unwrap();
        let held = state.held(cluster).expect("a cluster of this name");
        held.cluster = change(held.cluster.clone());
    }

    /// Puts an entry into a cluster, in place of one for the same principal. Its unique id is the one that the principal
    /// bears now, unless the entry says another.
    pub fn entry(&self, cluster: &str, mut entry: Entry) {
        let known = self.inner.directory.find(&entry.principal);
        if entry.unique_id.is_none() {
            entry.unique_id = known.map(|principal| principal.id);
        }
        for association in &mut entry.policies {
            if !association.policy.starts_with("arn:") {
                association.policy = self.inner.policy_arn(&association.policy);
            }
        }
        let mut state = self.inner.state.lock().unwrap();
        let kept = self.inner.kept(&mut state, cluster, entry, 0);
        let held = state.held(cluster).expect("a cluster of this name");
        held.entries
            .retain(|other| other.entry.principal != kept.entry.principal);
        held.entries.push(kept);
    }

    /// Takes an entry out of a cluster.
    pub fn remove_entry(&self, cluster: &str, principal: &str) {
        let mut state = self.inner.state.lock().unwrap();
        let held = state.held(cluster).expect("a cluster of this name");
        held.entries
            .retain(|kept| kept.entry.principal != principal);
    }

    /// The entry for this principal as `DescribeAccessEntry` would answer it, with its `policies`; nothing is recorded.
    pub fn entry_now(&self, cluster: &str, principal: &str) -> Option<Value> {
        let mut state = self.inner.state.lock().unwrap();
        let held = state.held(cluster).expect("a cluster of this name");
        let kept = held
            .entries
            .iter()
            .find(|kept| kept.entry.principal == principal)?;
        let mut described = kept.described(cluster);
        let policies: Vec<_> = kept
            .entry
            .policies
            .iter()
            .map(Association::described)
            .collect();
        described["policies"] = json!(policies);
        Some(described)
    }

    /// Entries that are created from now on are invisible to reads and logins for so long ("several seconds", user
    /// guide).
    pub fn propagation(&self, delay: Duration) {
        self.inner.state.lock().unwrap().delay =
            i64::try_from(delay.as_millis()).expect("a short time");
    }

    /// Stops the clock at a time like `2026-03-01T10:00:00Z`.
    pub fn clock(&self, time: &str) {
        self.inner.state.lock().unwrap().clock = Some(instant(time));
    }

    /// Lists give no more than so many at once, whatever a client asks for, as AWS is free to do.
    pub fn page(&self, most: usize) {
        self.inner.state.lock().unwrap().page = Some(most);
    }

    /// What the authenticator makes of a caller at a time like `2026-03-01T10:00:00Z`: by the unique id first, as its
    /// strict mode does, so that a recreated principal is simply not mapped. Knows nothing of aws-auth.
    pub fn would_log_in(&self, cluster: &str, arn: &str, unique_id: &str, at: &str) -> Login {
        let at = instant(at);
        let mut state = self.inner.state.lock().unwrap();
        let held = state.held(cluster).expect("a cluster of this name");
        if !held.cluster.knows_entries() {
            return Login::NotMapped;
        }
        let by_id = held
            .entries
            .iter()
            .find(|kept| kept.entry.unique_id.as_deref() == Some(unique_id));
        match by_id {
            Some(kept) if kept.visible_at <= at && kept.entry.created_at <= at => {
                if canonical(&kept.entry.principal) == canonical(arn) {
                    Login::Granted {
                        username: kept.username.clone(),
                        groups: kept.groups.clone(),
                    }
                } else {
                    Login::OtherArn
                }
            }
            _ => Login::NotMapped,
        }
    }
}

/// The ARN as the authenticator compares it: a role without its path, in lower case.
fn canonical(arn: &str) -> String {
    let arn = arn.to_ascii_lowercase();
    match arn.split_once(":role/") {
        Some((account, rest)) => {
            let name = rest.rsplit('/').next().unwrap_or(rest);
            format!("{account}:role/{name}")
        }
        None => arn,
    }
}

impl Inner {
    fn policy_arn(&self, name: &str) -> String {
        format!(
            "arn:{}:eks::aws:cluster-access-policy/{name}",
            self.directory.partition()
        )
    }

    fn cluster_arn(&self, cluster: &str) -> String {
        format!(
            "arn:{}:eks:{}:{}:cluster/{cluster}",
            self.directory.partition(),
            self.region,
            self.directory.account()
        )
    }

    fn kept(&self, state: &mut State, cluster: &str, entry: Entry, visible_at: i64) -> Kept {
        state.entries_made += 1;
        let number = state.entries_made;
        let parts: Vec<_> = entry.principal.splitn(6, ':').collect();
        let (account, resource) = match parts.as_slice() {
            [_, _, _, _, account, resource] => (*account, *resource),
            _ => panic!("`{}` is no ARN", entry.principal),
        };
        let kind = resource.split('/').next().unwrap_or("");
        let name = resource.rsplit('/').next().unwrap_or("");
        let arn = format!(
            "arn:{}:eks:{}:{}:access-entry/{cluster}/{kind}/{account}/{name}/{number:08x}-1111-4222-8333-444455556666",
            self.directory.partition(),
            self.region,
            self.directory.account()
        );
        let username = entry
            .username
            .clone()
            .unwrap_or_else(|| default_username(&entry.kind, &entry.principal));
        let groups = if entry.groups.is_empty() {
            default_groups(&entry.kind)
        } else {
            entry.groups.clone()
        };
        Kept {
            entry,
            arn,
            username,
            groups,
            visible_at,
        }
    }
}

impl Service for Inner {
    const PREFIX: &'static str = "eks";
    const SIGNED_AS: &'static str = "eks";

    fn call(&self, request: &Request) -> Result<Call, Refusal> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let found = ROUTES
            .iter()
            .find_map(|(method, route, operation, fields)| {
                (request.method == *method)
                    .then(|| matched(route, path))
                    .flatten()
                    .map(|input| (*operation, *fields, input))
            });
        let Some((operation, fields, mut input)) = found else {
            let words = "the fake has no such operation";
            return Err(Refusal::new(404, "UnknownOperationException", words));
        };
        let listed: &[&str] = match operation {
            "ListTagsForResource" => &[],
            "UntagResource" => &["tagKeys"],
            "ListAccessEntries" => &["maxResults", "nextToken", "associatedPolicyArn"],
            "ListClusters" => &["maxResults", "nextToken", "include"],
            list if list.starts_with("List") => &["maxResults", "nextToken"],
            _ => &[],
        };
        for (key, value) in pairs(query.as_bytes()) {
            if !listed.contains(&key.as_str()) {
                return Err(rules::invalid(format!("no parameter {key}")).broken());
            }
            if key != "tagKeys" {
                input.insert(key, Value::String(value));
            } else if let Some(keys) = input.entry(key).or_insert(json!([])).as_array_mut() {
                keys.push(Value::String(value));
            }
        }
        if request.method == "POST" {
            let malformed =
                |words: String| Refusal::new(400, "SerializationException", words).broken();
            let body: Map<String, Value> = serde_json::from_slice(&request.body)
                .map_err(|error| malformed(format!("the body is no JSON object: {error}")))?;
            for (key, value) in body {
                if !fields.contains(&key.as_str()) {
                    return Err(malformed(format!("no field {key}")));
                }
                input.insert(key, value);
            }
        }
        Ok(Call {
            operation: operation.to_owned(),
            input,
        })
    }

    fn serves(&self, region: &str) -> bool {
        region == self.region
    }

    /// Checked against the entry's ARN, or the cluster's where there is no entry yet (service authorization reference).
    fn denied(&self, asked: &Asked) -> Refusal {
        let cluster = match asked.operation.as_str() {
            "DescribeCluster" => asked.get("name"),
            _ => asked.get("clusterName"),
        };
        let resource = match asked.operation.as_str() {
            "ListClusters" | "ListAccessPolicies" => "*".to_owned(),
            "ListTagsForResource" | "TagResource" | "UntagResource" => {
                asked.get("resourceArn").to_owned()
            }
            "DescribeCluster" | "CreateAccessEntry" | "ListAccessEntries" | "ListNodegroups" => {
                self.cluster_arn(cluster)
            }
            "DescribeNodegroup" => format!(
                "{}/{}/*",
                self.cluster_arn(cluster)
                    .replace(":cluster/", ":nodegroup/"),
                asked.get("nodegroupName")
            ),
            _ => {
                let mut state = self.state.lock().unwrap();
                let principal = asked.get("principalArn");
                let arn = state.held(cluster).ok().and_then(|held| {
                    let kept = held.entries.iter().find(|k| k.entry.principal == principal);
                    kept.map(|kept| kept.arn.clone())
                });
                let none = || {
                    let of_cluster = self.cluster_arn(cluster);
                    of_cluster.replace(":cluster/", ":access-entry/") + "/*"
                };
                arn.unwrap_or_else(none)
            }
        };
        let words = self
            .directory
            .not_authorized(&asked.access_key, &asked.action(), &resource);
        Refusal::new(403, "AccessDeniedException", words)
    }

    /// Not in the model of most operations, and yet it comes: status 429 as modelled for `UpdateClusterConfig`.
    fn throttled(&self) -> Refusal {
        Refusal::new(429, "ThrottlingException", "Rate exceeded")
    }

    fn failure(&self) -> Refusal {
        Refusal::new(500, "ServerException", "Internal server error.")
    }

    fn act(&self, asked: &Asked) -> Result<Response, Refusal> {
        let answer = self.perform(asked)?;
        Ok(Response {
            status: 200,
            headers: vec![
                ("content-type".into(), "application/json".to_owned()),
                ("x-amzn-requestid".into(), request_id()),
            ],
            body: answer.to_string().into_bytes(),
        })
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        Response {
            status: refusal.status,
            headers: vec![
                ("content-type".into(), "application/json".to_owned()),
                ("x-amzn-errortype".into(), refusal.code.to_owned()),
            ],
            body: json!({"message": refusal.message}).to_string().into_bytes(),
        }
    }
}

/// An id as AWS gives one to each call; `CloudTrail` has it, too.
fn request_id() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("00000000-0000-4000-8000-{number:012x}")
}

#[cfg(test)]
mod tests;
