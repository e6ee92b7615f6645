//! Kubeconfig files, as far as they decide who calls: contexts, and how their users log in.
//!
//! Merged as kubectl does (Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files"): the first file
//! that sets a value, or has a context or user of a name, wins; what later files say of the same one is not looked at.

use std::collections::BTreeMap;

use crate::cluster::{ClusterName, Region};
use crate::principal::AccountId;

mod plugin;
mod yaml;

pub use plugin::{Plugin, Program};

/// Why a file can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in words of ours.
    pub what: &'static str,
}

/// What several files say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kubeconfig {
    /// The name of the current context.
    pub current: Option<String>,
    contexts: BTreeMap<String, Link>,
    users: BTreeMap<String, Login>,
}

/// What a context joins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    cluster: String,
    user: String,
}

/// How a user logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A program that makes a token: what the file says of it.
    Exec(Exec),
    /// Something that is no program, such as `client-certificate-data`.
    Other(&'static str),
}

/// An `exec` block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exec {
    /// `client.authentication.k8s.io/…`.
    pub api_version: String,
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables that are set for it, and win over the shell's.
    pub env: Vec<(String, String)>,
}

/// A context, with what it says of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context<'a> {
    /// Its name.
    pub name: &'a str,
    /// How its user logs in; `None` if there is no such user.
    pub login: Option<&'a Login>,
    /// The EKS cluster it names, if it names one.
    pub cluster: Option<ClusterName>,
    /// The Region, from the plugin's arguments or the cluster's name.
    pub region: Option<Region>,
    /// The account, if the cluster's name is an ARN.
    pub account: Option<AccountId>,
}

impl Kubeconfig {
    /// Adds what a further file says; what is there already wins.
    ///
    /// # Errors
    /// When the text is no YAML, or no mapping.
    pub fn add(&mut self, text: &str) -> Result<(), Broken> {
        let Some(root) = yaml::read(text)? else {
            return Ok(());
        };
        if self.current.is_none() {
            self.current = root
                .text("current-context")
                .filter(|name| !name.is_empty())
                .map(str::to_owned);
        }
        for named in root.list("contexts") {
            let (Some(name), Some(context)) = (named.text("name"), named.get("context")) else {
                continue;
            };
            let text = |key| context.text(key).unwrap_or_default().to_owned();
            self.contexts.entry(name.to_owned()).or_insert(Link {
                cluster: text("cluster"),
                user: text("user"),
            });
        }
        for named in root.list("users") {
            if let (Some(name), Some(user)) = (named.text("name"), named.get("user")) {
                self.users
                    .entry(name.to_owned())
                    .or_insert_with(|| login(user));
            }
        }
        Ok(())
    }

    /// A context by its name.
    #[must_use]
    pub fn context(&self, name: &str) -> Option<Context<'_>> {
        let (name, link) = self.contexts.get_key_value(name)?;
        let login = self.users.get(&link.user);
        let plugin = match login {
            Some(Login::Exec(exec)) => Some(Plugin::of(exec)),
            _ => None,
        };
        let by_arn = eks_arn(&link.cluster);
        let by_eksctl = eksctl_name(&link.cluster);
        let said = plugin.as_ref().and_then(|plugin| plugin.cluster.as_ref());
        let cluster = said
            .and_then(|text| text.parse().ok())
            .or_else(|| by_arn.as_ref().map(|(_, _, name)| name.clone()))
            .or_else(|| by_eksctl.as_ref().map(|(name, _)| name.clone()));
        let region = plugin
            .as_ref()
            .and_then(|plugin| plugin.region.as_ref()?.parse().ok())
            .or_else(|| by_arn.as_ref().map(|(region, _, _)| region.clone()))
            .or_else(|| by_eksctl.as_ref().map(|(_, region)| region.clone()));
        Some(Context {
            name,
            login,
            cluster,
            region,
            account: by_arn.map(|(_, account, _)| account),
        })
    }

    /// Every context, by name.
    pub fn contexts(&self) -> impl Iterator<Item = Context<'_>> {
        self.contexts.keys().filter_map(|name| self.context(name))
    }

    /// The contexts that lead to this cluster, the current one first. Another Region's cluster of the same name is
    /// another cluster.
    #[must_use]
    pub fn leading_to(&self, cluster: &ClusterName, region: Option<&Region>) -> Vec<Context<'_>> {
        let is_there = |context: &Context<'_>| {
            let is_other_region = match (&context.region, region) {
                (Some(its), Some(asked)) => its != asked,
                _ => false,
            };
            context.cluster.as_ref() == Some(cluster) && !is_other_region
        };
        let mut found: Vec<_> = self.contexts().filter(is_there).collect();
        found.sort_by_key(|context| Some(context.name) != self.current.as_deref());
        found
    }
}

/// `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`, as `aws eks update-kubeconfig` names clusters.
fn eks_arn(text: &str) -> Option<(Region, AccountId, ClusterName)> {
    let mut parts = text.splitn(6, ':');
    if parts.next() != Some("arn") || parts.next().is_none() || parts.next() != Some("eks") {
        return None;
    }
    let region = parts.next()?.parse().ok()?;
    let account = parts.next()?.parse().ok()?;
    let name = parts.next()?.strip_prefix("cluster/")?.parse().ok()?;
    Some((region, account, name))
}

/// `NAME.REGION.eksctl.io`, as eksctl names clusters.
fn eksctl_name(text: &str) -> Option<(ClusterName, Region)> {
    let (name, region) = text.strip_suffix(".eksctl.io")?.split_once('.')?;
    Some((name.parse().ok()?, region.parse().ok()?))
}

fn login(user: &yaml::Node) -> Login {
    const OTHERS: [(&str, &str); 7] = [
        ("token", "a token in the file"),
        ("tokenFile", "a token in a file of its own"),
        ("client-certificate-data", "a client certificate"),
        ("client-certificate", "a client certificate"),
        ("username", "a user name and a password"),
        (
            "auth-provider",
            "an auth-provider, which kubectl took out in 1.26",
        ),
        ("as", "nothing but impersonation"),
    ];
    // kubectl takes what stands in the file before it would start a program.
    let Some(exec) = user.get("exec").filter(|exec| exec.is_map()) else {
        let other = OTHERS.iter().find(|(key, _)| user.get(key).is_some());
        return Login::Other(other.map_or("nothing", |(_, words)| words));
    };
    let text = |key| exec.text(key).unwrap_or_default().to_owned();
    let pair = |one: &yaml::Node| {
        let name = one.text("name")?.to_owned();
        Some((name, one.text("value").unwrap_or_default().to_owned()))
    };
    Login::Exec(Exec {
        api_version: text("apiVersion"),
        command: text("command"),
        args: exec
            .list("args")
            .iter()
            .filter_map(yaml::Node::scalar)
            .map(str::to_owned)
            .collect(),
        env: exec.list("env").iter().filter_map(pair).collect(),
    })
}

#[cfg(test)]
mod tests;
