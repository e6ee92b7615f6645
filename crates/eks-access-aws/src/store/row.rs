//! Rows of the table: reading one, and writing a change of one.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use eks_access::cluster::{Cluster, Region};
use eks_access::principal::AccountId;

/// Account, Region and name of a cluster; `-` for what is not known.
pub(crate) fn place(cluster: &Cluster) -> [&str; 3] {
    [
        cluster.account.as_ref().map_or("-", AccountId::as_str),
        cluster.region.as_ref().map_or("-", Region::as_str),
        cluster.title(),
    ]
}

/// The attributes of a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Row(pub(crate) HashMap<String, AttributeValue>);

impl Row {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    /// A whole number; one that is not is as good as missing.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    /// A count.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.number(name)
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(0)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|value| value.as_bool() == Ok(&true))
    }

    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        Some(self.0.get(name)?.as_b().ok()?.as_ref())
    }

    /// The cluster that [`Change::of_cluster`] wrote. Its mode is not kept: it may change.
    pub(crate) fn cluster(&self) -> Option<Cluster> {
        Some(Cluster {
            name: self.text("cluster")?.parse().ok(),
            account: self.text("account")?.parse().ok(),
            region: self.text("region")?.parse().ok(),
            mode: None,
        })
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.0.get(name).and_then(|value| value.as_l().ok());
        let texts = list.into_iter().flatten();
        texts
            .filter_map(|text| text.as_s().ok().map(String::as_str))
            .collect()
    }
}

/// A value of an attribute.
pub(crate) trait Storable {
    fn value(self) -> AttributeValue;
}

impl Storable for &str {
    fn value(self) -> AttributeValue {
        AttributeValue::S(self.to_owned())
    }
}

impl Storable for i64 {
    fn value(self) -> AttributeValue {
        AttributeValue::N(self.to_string())
    }
}

impl Storable for u64 {
    fn value(self) -> AttributeValue {
        AttributeValue::N(self.to_string())
    }
}

impl Storable for bool {
    fn value(self) -> AttributeValue {
        AttributeValue::Bool(self)
    }
}

impl Storable for Vec<u8> {
    fn value(self) -> AttributeValue {
        AttributeValue::B(Blob::new(self))
    }
}

impl Storable for Vec<String> {
    fn value(self) -> AttributeValue {
        AttributeValue::L(self.into_iter().map(AttributeValue::S).collect())
    }
}

/// A change of one row. Names and values are placeholders always, since some hundred words may not be names in an
/// expression (`DynamoDB` developer guide, "Reserved words").
#[derive(Debug, Default)]
pub(crate) struct Change {
    sets: Vec<String>,
    adds: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Change {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn placed(&mut self, value: impl Storable) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value.value());
        placeholder
    }

    pub(crate) fn set(mut self, name: &str, value: impl Storable) -> Self {
        let set = format!("{} = {}", self.name(name), self.placed(value));
        self.sets.push(set);
        self
    }

    /// Sets it if there is a value, and takes it away if there is none.
    pub(crate) fn set_or_remove(self, name: &str, value: Option<impl Storable>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    /// Sets it if the row does not have it.
    pub(crate) fn set_once(mut self, name: &str, value: impl Storable) -> Self {
        let name = self.name(name);
        let set = format!("{name} = if_not_exists({name}, {})", self.placed(value));
        self.sets.push(set);
        self
    }

    /// Sets the cluster, if the row does not have it.
    pub(crate) fn of_cluster(self, cluster: &Cluster) -> Self {
        let [account, region, name] = place(cluster);
        self.set_once("cluster", name)
            .set_once("account", account)
            .set_once("region", region)
    }

    pub(crate) fn add(mut self, name: &str, value: u64) -> Self {
        let add = format!("{} {}", self.name(name), self.placed(value));
        self.adds.push(add);
        self
    }

    /// Sets it to what another attribute was before this change; to this text if there was none.
    pub(crate) fn set_from(mut self, name: &str, other: &str, otherwise: &str) -> Self {
        let (name, other) = (self.name(name), self.name(other));
        let otherwise = self.placed(otherwise);
        self.sets
            .push(format!("{name} = if_not_exists({other}, {otherwise})"));
        self
    }

    pub(crate) fn remove(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.removes.push(name);
        self
    }

    /// Only if the attribute compares so with the value: `=`, `<>`, `<`, `<=`.
    pub(crate) fn only_if(mut self, name: &str, sign: &str, value: impl Storable) -> Self {
        let condition = format!("{} {sign} {}", self.name(name), self.placed(value));
        self.conditions.push(condition);
        self
    }

    /// Only if the row does not have the attribute, or it compares so.
    pub(crate) fn only_if_none_or(mut self, name: &str, sign: &str, value: impl Storable) -> Self {
        let name = self.name(name);
        let value = self.placed(value);
        let condition = format!("(attribute_not_exists({name}) OR {name} {sign} {value})");
        self.conditions.push(condition);
        self
    }

    /// Only if the row does not have the attribute.
    pub(crate) fn only_if_none(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.conditions
            .push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only if there is such a row.
    pub(crate) fn only_if_there(mut self) -> Self {
        let name = self.name("pk");
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Puts it into a request.
    pub(crate) fn into(self, request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        let clause = |word: &str, parts: &[String]| {
            (!parts.is_empty()).then(|| format!("{word} {}", parts.join(", ")))
        };
        let clauses = [
            clause("SET", &self.sets),
            clause("ADD", &self.adds),
            clause("REMOVE", &self.removes),
        ];
        let clauses: Vec<String> = clauses.into_iter().flatten().collect();
        let condition = (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "));
        request
            .update_expression(clauses.join(" "))
            .set_condition_expression(condition)
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values((!self.values.is_empty()).then_some(self.values))
    }
}
