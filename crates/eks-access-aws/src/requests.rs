//! The table of requests and grants: keys `pk` and `sk`, as the table of incidents has them.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `request#ID` | `state` | the request, whole, as JSON; its version; when somebody has to look at it next |
//! | `request#ID` | `audit#VERSION#ACTION` | one record of the audit, written once, together with the change that it records |
//! | `principal#ACCOUNT/REGION/CLUSTER#ARN` | `state` | the principal's last request and last grant there |
//! | `reconcile` | `state` | when grants were last compared with EKS |
//!
//! Whoever changes a request says which version it had: of two, one is told to read it again. The row is no authority;
//! see [`eks_access::access`].

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use eks_access::access::record::AUDIT;
use eks_access::access::{Record, Request, RequestId};
use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::store::StoreError;

/// The version before of a request that is new.
pub const NEW: u64 = 0;
/// The version before of a row that nobody can read, and that is to be replaced.
pub const UNREADABLE: u64 = u64::MAX;
const STATE: &str = "state";
/// The index of what is due, and its one key.
const OWED: &str = "owed";
const YES: &str = "1";
/// How long rows stay after their end, in seconds: a year and a month.
const KEPT: i64 = 400 * 24 * 60 * 60;
/// Rows that are read at a time.
const AT_ONCE: usize = 8;
/// Requests that are listed at most.
const MOST: usize = 1000;
/// Requests that are due at most in one tick.
const MOST_DUE: usize = 10_000;

/// The table.
#[derive(Debug, Clone)]
pub struct Requests {
    client: Client,
    table: String,
    /// The guardrails' version and the invocation, which every record of the audit names.
    signature: Signature,
}

/// What every record of the audit names besides the deed.
#[derive(Debug, Clone, Default)]
pub struct Signature {
    /// The guardrails' version.
    pub guardrails: String,
    /// The invocation.
    pub invocation: String,
}

/// What is taken for a principal, one at a time in each cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A request that waits for an answer.
    Asked,
    /// A grant.
    Granted,
}

impl Slot {
    fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
        }
    }
}

/// A slot that is to be taken together with a change, from this holder.
#[derive(Debug, Clone)]
pub struct Take {
    /// Which.
    pub slot: Slot,
    /// Who has it, as was read; `None` if nobody.
    pub from: Option<RequestId>,
}

/// What a look into the table came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    /// There is no such request.
    Missing,
    /// There is one that this release can't read: somebody changed it.
    Unreadable,
    /// It is this.
    Is(Box<Request>),
}

/// What a change came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is written.
    Yes,
    /// Somebody else changed the request meanwhile: read it again.
    Behind,
    /// Somebody else has the slot.
    Taken,
}

impl Requests {
    /// The table with this name.
    #[must_use]
    pub fn new(config: &SdkConfig, table: &str) -> Self {
        Self {
            client: Client::new(config),
            table: table.to_owned(),
            signature: Signature::default(),
        }
    }

    /// The same table, for one invocation.
    #[must_use]
    pub fn signed(&self, guardrails: &str, invocation: &str) -> Self {
        Self {
            signature: Signature {
                guardrails: guardrails.to_owned(),
                invocation: invocation.to_owned(),
            },
            ..self.clone()
        }
    }

    /// The request with this id, as it is.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn get(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        Ok(match self.look_up(id).await? {
            LookUp::Is(request) => Some(*request),
            LookUp::Missing | LookUp::Unreadable => None,
        })
    }

    /// The same, and what is wrong where it is not to be had.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn look_up(&self, id: &RequestId) -> Result<LookUp, StoreError> {
        let row = self.row(&of_request(id)).await?;
        Ok(row.map_or(LookUp::Missing, |row| {
            request(&row).map_or(LookUp::Unreadable, |request| LookUp::Is(Box::new(request)))
        }))
    }

    /// Puts a row that can't be read off for a while, so that it does not stand before others.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn put_off(&self, id: &RequestId, until: i64) -> Result<(), StoreError> {
        let done = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(of_request(id)))
            .key("sk", AttributeValue::S(STATE.to_owned()))
            .update_expression("SET #due_at = :until")
            .condition_expression("attribute_exists(#owed)")
            .expression_attribute_names("#due_at", "due_at")
            .expression_attribute_names("#owed", OWED)
            .expression_attribute_values(":until", AttributeValue::N(until.to_string()))
            .send()
            .await;
        match done {
            Ok(_) => Ok(()),
            Err(error) if is_conditional(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a request that was changed, with the record of the change. `before` is the version that it had; [`NEW`] for a
    /// new one, and [`UNREADABLE`] in place of one that can't be read. The record is also logged, and owed to SNS.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn save(
        &self,
        request: &mut Request,
        before: u64,
        record: Option<(&Record, Option<&str>)>,
        take: Option<&Take>,
    ) -> Result<Saved, StoreError> {
        let record = record.map(|(record, eks)| {
            let signature = &self.signature;
            (
                record,
                record.json(&signature.guardrails, &signature.invocation, eks),
            )
        });
        if let Some((_, object)) = &record {
            request.audits.push(object.to_string());
        }
        let mut items = vec![update(self.change(request, before)?)];
        if let Some(take) = take {
            items.push(update(self.take(request, take)?));
        }
        if let Some((record, object)) = &record {
            items.push(self.audit(request, record, object)?);
        }
        let saved = self.transact(items, take.is_some()).await?;
        match (saved, record) {
            (Saved::Yes, Some((_, object))) => crate::log::write_audit(&object),
            (Saved::Yes, None) => {}
            _ => request
                .audits
                .truncate(request.audits.len().saturating_sub(1)),
        }
        Ok(saved)
    }

    /// Two requests that change together.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn save_both(
        &self,
        (one, before_one): (&mut Request, u64),
        (other, before_other): (&mut Request, u64),
        record: &Record,
        eks: Option<&str>,
    ) -> Result<Saved, StoreError> {
        let object = record.json(&self.signature.guardrails, &self.signature.invocation, eks);
        one.audits.push(object.to_string());
        let items = vec![
            update(self.change(one, before_one)?),
            update(self.change(other, before_other)?),
            self.audit(one, record, &object)?,
        ];
        let saved = self.transact(items, false).await?;
        if saved == Saved::Yes {
            crate::log::write_audit(&object);
        }
        Ok(saved)
    }

    /// Who has a principal's slot.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn holder(
        &self,
        request: &Request,
        slot: Slot,
    ) -> Result<Option<RequestId>, StoreError> {
        let row = self.row(&of_principal(request)).await?;
        Ok(row.and_then(|row| text(&row, slot.name())?.parse().ok()))
    }

    /// Requests whose time has come, the oldest first.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn due(&self, now: i64) -> Result<Vec<RequestId>, StoreError> {
        self.owed(Some(now), MOST_DUE).await
    }

    /// Every request of which something more comes, the next due first.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn open(&self) -> Result<Vec<Request>, StoreError> {
        let all = self.owed(None, MOST).await?;
        let found: Vec<Result<Option<Request>, StoreError>> = stream::iter(all)
            .map(|id| async move { self.get(&id).await })
            .buffered(AT_ONCE)
            .collect()
            .await;
        found.into_iter().filter_map(Result::transpose).collect()
    }

    /// So many requests at most of which something more comes, or is due until then, the next due first.
    async fn owed(&self, until: Option<i64>, most: usize) -> Result<Vec<RequestId>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OWED)
            .expression_attribute_names("#owed", OWED)
            .expression_attribute_values(":yes", AttributeValue::S(YES.to_owned()));
        let query = match until {
            None => query.key_condition_expression("#owed = :yes"),
            Some(until) => query
                .key_condition_expression("#owed = :yes AND #due <= :until")
                .expression_attribute_names("#due", "due_at")
                .expression_attribute_values(":until", AttributeValue::N(until.to_string())),
        };
        let mut pages = query.into_paginator().items().send();
        let mut rows = Vec::new();
        while let Some(row) = pages.next().await {
            rows.push(row?);
            if rows.len() == most {
                break;
            }
        }
        Ok(ids(&rows))
    }

    /// The records of a request, the oldest first, as JSON.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn history(&self, id: &RequestId) -> Result<Vec<Value>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :audit)")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#sk", "sk")
            .expression_attribute_values(":pk", AttributeValue::S(of_request(id)))
            .expression_attribute_values(":audit", AttributeValue::S(AUDIT.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut records = Vec::new();
        while let Some(row) = pages.next().await {
            records
                .extend(text(&row?, "record").and_then(|record| serde_json::from_str(record).ok()));
        }
        Ok(records)
    }

    /// Whether it is time to compare with EKS: of several who ask, one is told so, and then nobody for so long.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn take_reconciling(&self, now: i64, every: i64) -> Result<bool, StoreError> {
        let done = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S("reconcile".to_owned()))
            .key("sk", AttributeValue::S(STATE.to_owned()))
            .update_expression("SET #at = :now")
            .condition_expression("attribute_not_exists(#at) OR #at <= :before OR #at > :ahead")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":now", AttributeValue::N(now.to_string()))
            // A mark far ahead of the clock is of a tick that somebody made up.
            .expression_attribute_values(
                ":ahead",
                AttributeValue::N(crate::clock::now().saturating_add(every).to_string()),
            )
            .expression_attribute_values(
                ":before",
                AttributeValue::N(now.saturating_sub(every).to_string()),
            )
            .send()
            .await;
        match done {
            Ok(_) => Ok(true),
            Err(error) if is_conditional(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets another tick compare with EKS again at this time, because this one could not.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn reconcile_again(&self, at: i64, every: i64) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S("reconcile".to_owned()))
            .key("sk", AttributeValue::S(STATE.to_owned()))
            .update_expression("SET #at = :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(
                ":at",
                AttributeValue::N(at.saturating_sub(every).to_string()),
            )
            .send()
            .await?;
        Ok(())
    }

    async fn row(&self, pk: &str) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(STATE.to_owned()))
            .consistent_read(true)
            .send()
            .await?;
        Ok(answer.item)
    }

    fn change(&self, request: &Request, before: u64) -> Result<Update, StoreError> {
        let document = serde_json::to_string(request).map_err(|error| broken(&error))?;
        let due = request.due();
        let expires = request
            .state
            .is_final()
            .then(|| request.ends.unwrap_or(request.expires) / 1000 + KEPT);
        let mut sets = vec![
            "#document = :document",
            "#state = :state",
            "#version = :version",
        ];
        sets.extend(due.map(|_| "#owed = :yes, #due_at = :due"));
        sets.extend(expires.map(|_| "#expires_at = :expires_at"));
        let removes = if due.is_some() {
            ""
        } else {
            " REMOVE #owed, #due_at"
        };
        let expression = format!("SET {}{removes}", sets.join(", "));
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(of_request(&request.id)))
            .key("sk", AttributeValue::S(STATE.to_owned()))
            .expression_attribute_names("#document", "document")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#owed", OWED)
            .expression_attribute_names("#due_at", "due_at")
            .expression_attribute_values(":document", AttributeValue::S(document))
            .expression_attribute_values(
                ":state",
                AttributeValue::S(request.state.slug().to_owned()),
            )
            .expression_attribute_values(
                ":version",
                AttributeValue::N(request.version.to_string()),
            );
        if let Some(due) = due {
            update = update
                .expression_attribute_values(":yes", AttributeValue::S(YES.to_owned()))
                .expression_attribute_values(":due", AttributeValue::N(due.to_string()));
        }
        if let Some(expires) = expires {
            update = update
                .expression_attribute_names("#expires_at", "expires_at")
                .expression_attribute_values(":expires_at", AttributeValue::N(expires.to_string()));
        }
        update = if before == UNREADABLE {
            update
        } else if before == NEW {
            update
                .expression_attribute_names("#pk", "pk")
                .condition_expression("attribute_not_exists(#pk)")
        } else {
            update
                .condition_expression("#version = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.to_string()))
        };
        update
            .update_expression(expression)
            .build()
            .map_err(|error| broken(&error))
    }

    fn take(&self, request: &Request, take: &Take) -> Result<Update, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(of_principal(request)))
            .key("sk", AttributeValue::S(STATE.to_owned()))
            .update_expression("SET #slot = :id, #expires_at = :expires_at")
            .expression_attribute_names("#slot", take.slot.name())
            .expression_attribute_names("#expires_at", "expires_at")
            .expression_attribute_values(
                ":expires_at",
                AttributeValue::N((request.created / 1000 + 2 * KEPT).to_string()),
            )
            .expression_attribute_values(":id", AttributeValue::S(request.id.to_string()));
        let update = match &take.from {
            None => update.condition_expression("attribute_not_exists(#slot) OR #slot = :id"),
            Some(holder) => update
                .condition_expression("#slot = :holder OR #slot = :id")
                .expression_attribute_values(":holder", AttributeValue::S(holder.to_string())),
        };
        update.build().map_err(|error| broken(&error))
    }

    fn audit(
        &self,
        request: &Request,
        record: &Record,
        object: &Value,
    ) -> Result<TransactWriteItem, StoreError> {
        let expires = record.at / 1000 + KEPT;
        // An update that makes the row: putting would take a permission that nothing else needs.
        let make = Update::builder()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(of_request(&request.id)))
            .key("sk", AttributeValue::S(record.key()))
            .update_expression("SET #record = :record, #expires_at = :expires_at")
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#record", "record")
            .expression_attribute_names("#expires_at", "expires_at")
            .expression_attribute_values(":record", AttributeValue::S(object.to_string()))
            .expression_attribute_values(":expires_at", AttributeValue::N(expires.to_string()))
            .build()
            .map_err(|error| broken(&error))?;
        Ok(update(make))
    }

    async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
        has_slot: bool,
    ) -> Result<Saved, StoreError> {
        let done = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        match done {
            Ok(_) => Ok(Saved::Yes),
            Err(error) => match cancelled(&error) {
                Some(reasons) => {
                    let failed = |at: usize| {
                        reasons
                            .get(at)
                            .is_some_and(|code| code == "ConditionalCheckFailed")
                    };
                    // What only came between is as good as behind: whoever reads again sees what is there.
                    Ok(if has_slot && failed(1) && !failed(0) {
                        Saved::Taken
                    } else {
                        Saved::Behind
                    })
                }
                None => Err(error.into()),
            },
        }
    }
}

/// The reasons why a transaction was cancelled because of what else is in the table.
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<Vec<String>> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let codes: Vec<String> = cancelled
        .cancellation_reasons()
        .iter()
        .map(|reason| reason.code().unwrap_or("None").to_owned())
        .collect();
    let is_of_others = |code: &String| {
        matches!(
            code.as_str(),
            "None" | "ConditionalCheckFailed" | "TransactionConflict"
        )
    };
    codes.iter().all(is_of_others).then_some(codes)
}

fn broken(error: &dyn std::fmt::Display) -> StoreError {
    StoreError {
        code: "Broken".to_owned(),
        message: error.to_string(),
    }
}

fn update(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}

fn of_request(id: &RequestId) -> String {
    format!("request#{id}")
}

fn of_principal(request: &Request) -> String {
    format!("principal#{}", request.lock())
}

fn text<'a>(row: &'a HashMap<String, AttributeValue>, name: &str) -> Option<&'a str> {
    row.get(name)?.as_s().ok().map(String::as_str)
}

fn request(row: &HashMap<String, AttributeValue>) -> Option<Request> {
    serde_json::from_str(text(row, "document")?).ok()
}

fn ids(rows: &[HashMap<String, AttributeValue>]) -> Vec<RequestId> {
    rows.iter()
        .filter_map(|row| text(row, "pk")?.strip_prefix("request#")?.parse().ok())
        .collect()
}

/// Whether a row was not as it had to be.
fn is_conditional(error: &SdkError<UpdateItemError>) -> bool {
    error
        .as_service_error()
        .is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}
