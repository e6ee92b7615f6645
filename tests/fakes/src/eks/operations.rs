//! What each operation does once the request is read.

use serde_json::{Map, Value, json};

use super::entry::{Association, Entry};
use super::rules::{self, no_entry, not_found};
use super::token::page;
use super::{Inner, State};
use crate::record::{Asked, Refusal};

/// In `CONFIG_MAP` mode even reads are refused (hashicorp/terraform-provider-aws issue 36447).
fn knows_entries(state: &mut State, cluster: &str) -> Result<(), Refusal> {
    if state.held(cluster)?.cluster.knows_entries() {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "InvalidRequestException",
        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
    ))
}

fn active(state: &mut State, cluster: &str) -> Result<(), Refusal> {
    let held = state.held(cluster)?;
    if held.cluster.status == "ACTIVE" {
        return Ok(());
    }
    let words = format!("Cluster {cluster} is not in ACTIVE status."); // ours
    Err(Refusal::new(400, "InvalidRequestException", words))
}

fn text(asked: &Asked, name: &str) -> Result<Option<String>, Refusal> {
    match asked.input.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(malformed(name, other)),
    }
}

fn texts(asked: &Asked, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    match asked.input.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                let text = item.as_str().map(str::to_owned);
                text.ok_or_else(|| malformed(name, item))
            })
            .collect::<Result<_, _>>()
            .map(Some),
        Some(other) => Err(malformed(name, other)),
    }
}

fn malformed(name: &str, value: &Value) -> Refusal {
    let words = format!("{name} cannot be {value}");
    Refusal::new(400, "SerializationException", words).broken()
}

fn is_cluster_name(name: &str) -> bool {
    // `ClusterName` of the model: 1 to 100 characters.
    (1..=100).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Inner {
    pub(super) fn perform(&self, asked: &Asked) -> Result<Value, Refusal> {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let cluster = match asked.operation.as_str() {
            "DescribeCluster" => asked.get("name"),
            _ => asked.get("clusterName"),
        };
        match asked.operation.as_str() {
            "ListClusters" => {
                let names: Vec<_> = state
                    .clusters
                    .iter()
                    .map(|held| json!(held.cluster.name))
                    .collect();
                return page(asked, "clusters", &names, state.page);
            }
            "ListAccessPolicies" => {
                let policies: Vec<_> = rules::POLICIES
                    .iter()
                    .chain(rules::SERVICE_POLICIES)
                    .map(|name| json!({"name": name, "arn": self.policy_arn(name)}))
                    .collect();
                return page(asked, "accessPolicies", &policies, state.page);
            }
            "ListTagsForResource" | "TagResource" | "UntagResource" => {
                return self.tags(state, asked);
            }
            _ => {}
        }
        if !is_cluster_name(cluster) {
            let words = format!("The specified cluster name is invalid: {cluster}"); // ours
            return Err(rules::invalid(words).broken());
        }
        match asked.operation.as_str() {
            "DescribeCluster" => {
                let described = state.held(cluster)?.cluster.described(
                    self.directory.partition(),
                    &self.region,
                    self.directory.account(),
                );
                Ok(json!({"cluster": described}))
            }
            "ListNodegroups" => {
                let groups = &state.held(cluster)?.cluster.nodegroups;
                let names: Vec<_> = groups.iter().map(|(name, _)| json!(name)).collect();
                page(asked, "nodegroups", &names, state.page)
            }
            "DescribeNodegroup" => self.nodegroup(state, cluster, asked),
            operation => {
                knows_entries(state, cluster)?;
                match operation {
                    "ListAccessEntries" => self.list_entries(state, cluster, asked),
                    "DescribeAccessEntry" => {
                        let kept = visible(state, cluster, asked)?;
                        let described = kept.described(cluster);
                        Ok(json!({"accessEntry": described}))
                    }
                    "ListAssociatedAccessPolicies" => {
                        let most = state.page;
                        let policies = &visible(state, cluster, asked)?.entry.policies;
                        let policies: Vec<_> =
                            policies.iter().map(Association::described).collect();
                        let mut answer = page(asked, "associatedAccessPolicies", &policies, most)?;
                        answer["clusterName"] = json!(cluster);
                        answer["principalArn"] = json!(asked.get("principalArn"));
                        Ok(answer)
                    }
                    operation => {
                        active(state, cluster)?;
                        match operation {
                            "CreateAccessEntry" => self.create(state, cluster, asked),
                            "UpdateAccessEntry" => self.update(state, cluster, asked),
                            "DeleteAccessEntry" => self.delete(state, cluster, asked),
                            "AssociateAccessPolicy" => self.associate(state, cluster, asked),
                            _ => self.disassociate(state, cluster, asked),
                        }
                    }
                }
            }
        }
    }

    fn nodegroup(&self, state: &mut State, cluster: &str, asked: &Asked) -> Result<Value, Refusal> {
        let name = asked.get("nodegroupName");
        let groups = &state.held(cluster)?.cluster.nodegroups;
        let (_, role) = groups
            .iter()
            .find(|(group, _)| group == name)
            .ok_or_else(|| not_found(format!("No node group found for name: {name}.")))?;
        let arn = self
            .cluster_arn(cluster)
            .replace(":cluster/", ":nodegroup/");
        Ok(json!({"nodegroup": {
            "nodegroupName": name,
            "nodegroupArn": format!("{arn}/{name}/0a1b2c3d-1111-4222-8333-444455556666"),
            "clusterName": cluster,
            "status": "ACTIVE",
            "nodeRole": role,
        }}))
    }

    fn list_entries(
        &self,
        state: &mut State,
        cluster: &str,
        asked: &Asked,
    ) -> Result<Value, Refusal> {
        let filter = asked.get("associatedPolicyArn");
        if !filter.is_empty() && !filter.starts_with(&self.policy_arn("")) {
            let words = format!("The specified policyArn is invalid: {filter}"); // ours
            return Err(rules::invalid(words).broken());
        }
        let (now, most) = (state.now(), state.page);
        let entries = &state.held(cluster)?.entries;
        let arns: Vec<_> = entries
            .iter()
            .filter(|kept| kept.visible_at <= now)
            .filter(|kept| {
                filter.is_empty() || kept.entry.policies.iter().any(|p| p.policy == filter)
            })
            .map(|kept| json!(kept.entry.principal))
            .collect();
        page(asked, "accessEntries", &arns, most)
    }

    fn create(&self, state: &mut State, cluster: &str, asked: &Asked) -> Result<Value, Refusal> {
        let partition = self.directory.partition();
        let principal = text(asked, "principalArn")?.unwrap_or_default();
        let arn = rules::writable(&principal, partition)?;
        let kind = text(asked, "type")?.unwrap_or_else(|| "STANDARD".to_owned());
        rules::of_type(&kind, &arn, self.directory.account())?;
        let groups = texts(asked, "kubernetesGroups")?.unwrap_or_default();
        let username = text(asked, "username")?;
        if kind != "STANDARD" && (username.is_some() || !groups.is_empty()) {
            return Err(rules::only_standard().broken());
        }
        rules::groups(&groups)?;
        if let Some(username) = &username {
            rules::username(username)?;
        }
        let tags = match asked.input.get("tags") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(tags)) => tags.clone(),
            Some(other) => return Err(malformed("tags", other)),
        };
        rules::tags(&tags)?;
        // Unknown, or known under another path: both are "invalid principal" (terraform-aws-eks issue 2969).
        let found = self.directory.find(&principal);
        let found = found.ok_or_else(rules::invalid_principal)?;
        let replayed = replayed(state, cluster, asked)?;
        let now = state.now();
        let entries = &state.held(cluster)?.entries;
        if let Some(kept) = entries.iter().find(|k| k.entry.principal == principal) {
            if replayed {
                return Ok(json!({"accessEntry": kept.described(cluster)}));
            }
            let words = "The specified access entry resource is already in use on this cluster.";
            return Err(Refusal::new(409, "ResourceInUseException", words));
        }
        if entries.len() >= rules::MAX_ENTRIES {
            let words = format!(
                "The maximum number of access entries ({}) has been reached.",
                rules::MAX_ENTRIES
            ); // ours
            return Err(Refusal::new(400, "ResourceLimitExceededException", words));
        }
        let mut entry = Entry::new(&principal).of_type(&kind);
        entry.username = username;
        entry.groups = groups;
        entry.unique_id = Some(found.id);
        (entry.created_at, entry.modified_at) = (now, now);
        for (key, value) in &tags {
            entry = entry.tagged(key, value.as_str().unwrap_or(""));
        }
        let visible_at = now + state.delay;
        let kept = self.kept(state, cluster, entry, visible_at);
        let described = kept.described(cluster);
        state.held(cluster)?.entries.push(kept);
        remember(state, cluster, asked)?;
        Ok(json!({"accessEntry": described}))
    }

    fn update(&self, state: &mut State, cluster: &str, asked: &Asked) -> Result<Value, Refusal> {
        let principal = asked.get("principalArn");
        rules::writable(principal, self.directory.partition())?;
        let groups = texts(asked, "kubernetesGroups")?;
        let username = text(asked, "username")?;
        rules::groups(groups.as_deref().unwrap_or_default())?;
        if let Some(username) = &username {
            rules::username(username)?;
        }
        let replayed = replayed(state, cluster, asked)?;
        let now = state.now();
        let kept = any(state, cluster, principal)?;
        if kept.entry.kind != "STANDARD" {
            return Err(rules::only_standard());
        }
        if !replayed {
            // The list replaces the one before; what is not sent stays.
            if let Some(groups) = groups {
                kept.groups.clone_from(&groups);
                kept.entry.groups = groups;
            }
            if let Some(username) = username {
                kept.username.clone_from(&username);
                kept.entry.username = Some(username);
            }
            kept.entry.modified_at = now;
        }
        let described = kept.described(cluster);
        remember(state, cluster, asked)?;
        Ok(json!({"accessEntry": described}))
    }

    fn delete(&self, state: &mut State, cluster: &str, asked: &Asked) -> Result<Value, Refusal> {
        let principal = asked.get("principalArn");
        rules::writable(principal, self.directory.partition())?;
        any(state, cluster, principal)?;
        let held = state.held(cluster)?;
        held.entries
            .retain(|kept| kept.entry.principal != principal);
        Ok(json!({}))
    }

    /// "If the policy is associated already, its scope is replaced" (user guide, "Associate access policies").
    fn associate(&self, state: &mut State, cluster: &str, asked: &Asked) -> Result<Value, Refusal> {
        let principal = asked.get("principalArn");
        rules::writable(principal, self.directory.partition())?;
        let policy = text(asked, "policyArn")?.unwrap_or_default();
        let scope = asked.input.get("accessScope").unwrap_or(&Value::Null);
        let namespaces = rules::scope(scope)?;
        let now = state.now();
        let kept = any(state, cluster, principal)?;
        rules::policy(&policy, self.directory.partition(), &kept.entry.kind)?;
        let policies = &mut kept.entry.policies;
        let at = policies.iter().position(|p| p.policy == policy);
        let association = Association {
            policy,
            namespaces,
            associated_at: at.map_or(now, |at| policies[at].associated_at),
            modified_at: now,
        };
        let described = association.described();
        match at {
            Some(at) => policies[at] = association,
            None => policies.push(association),
        }
        Ok(json!({
            "clusterName": cluster,
            "principalArn": principal,
            "associatedAccessPolicy": described,
        }))
    }

    fn disassociate(
        &self,
        state: &mut State,
        cluster: &str,
        asked: &Asked,
    ) -> Result<Value, Refusal> {
        let principal = asked.get("principalArn");
        rules::writable(principal, self.directory.partition())?;
        let policy = asked.get("policyArn");
        let policies = &mut any(state, cluster, principal)?.entry.policies;
        let at = policies.iter().position(|p| p.policy == policy);
        let at = at.ok_or_else(|| {
            not_found("The specified policyArn is not associated with the access entry.") // ours
        })?;
        policies.remove(at);
        Ok(json!({}))
    }
}

/// The entry that the request is about, whether reads see it or not.
fn any<'a>(
    state: &'a mut State,
    cluster: &str,
    principal: &str,
) -> Result<&'a mut super::Kept, Refusal> {
    state
        .held(cluster)?
        .entries
        .iter_mut()
        .find(|kept| kept.entry.principal == principal)
        .ok_or_else(no_entry)
}

/// The entry that the request is about, if it has propagated.
fn visible<'a>(
    state: &'a mut State,
    cluster: &str,
    asked: &Asked,
) -> Result<&'a super::Kept, Refusal> {
    let principal = asked.get("principalArn");
    // No session, no group, no garbage ever has an entry: who asks has not read the ARN.
    if rules::arn(principal).is_none() {
        return Err(no_entry().broken());
    }
    let now = state.now();
    let kept = any(state, cluster, principal)?;
    if kept.visible_at > now {
        return Err(no_entry());
    }
    Ok(kept)
}

/// Whether this request succeeded before with the same token; an error if the token came with another request.
fn replayed(state: &State, cluster: &str, asked: &Asked) -> Result<bool, Refusal> {
    let Some(key) = token_key(cluster, asked)? else {
        return Ok(false);
    };
    match state.tokens.get(&key) {
        Some(before) if *before == asked.input => Ok(true),
        Some(_) => {
            let words = "The specified clientRequestToken was used with other parameters."; // ours
            Err(rules::invalid(words).broken())
        }
        None => Ok(false),
    }
}

fn remember(state: &mut State, cluster: &str, asked: &Asked) -> Result<(), Refusal> {
    if let Some(key) = token_key(cluster, asked)? {
        state.tokens.insert(key, asked.input.clone());
    }
    Ok(())
}

fn token_key(cluster: &str, asked: &Asked) -> Result<Option<(String, String)>, Refusal> {
    let token = text(asked, "clientRequestToken")?;
    Ok(token.map(|token| (format!("{cluster}/{}", asked.operation), token)))
}
