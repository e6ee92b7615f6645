//! One instruction: believed only for its seals, done only within the guardrails.

use std::panic::AssertUnwindSafe;

use eks_access::access::order::Instruction;
use eks_access::access::{Kind, SealKey};
use eks_access::policy::Guardrails;
use eks_access_aws::emf::Metric;
use eks_access_aws::entries::Entries;
use eks_access_aws::herald::Herald;
use eks_access_aws::log::{Entry, Level};
use eks_access_aws::requests::Requests;
use eks_access_aws::secret::PlainSecret;
use eks_access_aws::tally::Tally;
use eks_access_aws::{aws, clock, vars};
use futures_util::FutureExt;
use lambda_runtime::LambdaEvent;
use serde_json::Value;

use crate::fault::Fault;
use crate::grant::{Ended, Work};
use eks_access_aws::recheck::World;

/// Everything that outlives an invocation.
pub(crate) struct Granter {
    vars: vars::Granter,
    guardrails: Guardrails,
    requests: Requests,
    entries: Entries,
    world: World,
    herald: Herald,
    key: PlainSecret,
}

impl Granter {
    pub(crate) async fn new(vars: vars::Granter) -> Self {
        let common = &vars.common;
        let config = aws::config(common.region.as_str()).await;
        let questions = aws::for_questions(&config);
        Self {
            guardrails: common.requests.guardrails.clone(),
            requests: Requests::new(&config, &common.requests.table),
            entries: Entries::new(&config),
            world: World::new(&config, vars.own_roles.clone()),
            herald: Herald::of(common, &config),
            key: PlainSecret::new(&questions, &vars.key),
            vars,
        }
    }

    /// Carries an instruction out. `Err` makes Lambda try again, which is only done where that can help.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<(), Fault> {
        let LambdaEvent { payload, context } = event;
        let tally = Tally::default();
        let done = AssertUnwindSafe(self.carry_out(payload, &context.request_id, &tally))
            .catch_unwind()
            .await;
        let done = done.unwrap_or(Err(Fault::Panicked));
        tally.add(Metric::GranterFaults, u64::from(done.is_err()));
        let function = &context.env_config.function_name;
        tally.write(
            Metric::OF_THE_GRANTER,
            &self.vars.common.namespace,
            function,
            &context.request_id,
        );
        done
    }

    async fn carry_out(
        &self,
        payload: Value,
        invocation: &str,
        tally: &Tally,
    ) -> Result<(), Fault> {
        let Some(instruction) = self.believed(payload, invocation).await? else {
            tally.add(Metric::GrantsFailed, 1);
            return Ok(());
        };
        let work = Work {
            guardrails: &self.guardrails,
            requests: &self.requests.signed(&self.guardrails.version, invocation),
            entries: &self.entries,
            world: &self.world,
            instruction: &instruction,
            invocation,
        };
        let ended = if instruction.order.kind == Kind::Extension {
            work.extend().await?
        } else {
            work.grant().await?
        };
        match ended {
            Ended::Granted(requests) => {
                tally.add(Metric::Granted, 1);
                self.tell(requests, tally).await;
            }
            Ended::Failed(request) => {
                tally.add(Metric::GrantsFailed, 1);
                self.tell(vec![*request], tally).await;
            }
            Ended::Done(request) => {
                let requests = request.into_iter().map(|request| *request).collect();
                self.tell(requests, tally).await;
            }
            Ended::Stopped => tally.add(Metric::GrantsFailed, 1),
        }
        Ok(())
    }

    /// The instruction, if every approval in it is sealed. Nothing else in the payload is believed, nor anything in the
    /// table.
    async fn believed(
        &self,
        payload: Value,
        invocation: &str,
    ) -> Result<Option<Instruction>, Fault> {
        let Ok(instruction) = serde_json::from_value::<Instruction>(payload) else {
            refused("it is none of this release", None, invocation);
            return Ok(None);
        };
        if instruction.is_sealed(&self.seal_key().await?) {
            return Ok(Some(instruction));
        }
        // The key may have been replaced since it was read.
        self.key.forget().await;
        if instruction.is_sealed(&self.seal_key().await?) {
            return Ok(Some(instruction));
        }
        refused(
            "its approvals are not sealed with our key",
            Some(&instruction),
            invocation,
        );
        Ok(None)
    }

    async fn seal_key(&self) -> Result<SealKey, Fault> {
        let text = self.key.get().await;
        let text = text.map_err(|error| Fault::NoKey(error.to_string()))?;
        SealKey::new(&text).ok_or_else(|| Fault::NoKey("it is too short".to_owned()))
    }

    /// What can't be told now is told by the revoker.
    async fn tell(&self, requests: Vec<eks_access::access::Request>, tally: &Tally) {
        for request in requests {
            let heard = self
                .herald
                .tell(&self.requests, request, clock::now())
                .await;
            let has_failed =
                heard.map_or(true, |heard| heard.has_sns_failed || heard.has_slack_failed);
            tally.add(Metric::NewsFailures, u64::from(has_failed));
        }
    }
}

fn refused(why: &'static str, instruction: Option<&Instruction>, invocation: &str) {
    let request = instruction.map_or("unknown", |instruction| instruction.order.request.as_str());
    Entry::new(Level::Error, "an instruction was not believed")
        .with("request_id", invocation)
        .with("request", request)
        .with("detail", why)
        .write();
}
