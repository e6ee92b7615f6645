//! What was asked of a fake, and what a test wants it to answer.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::http::{Request, Response};
use crate::wire::{Scope, scope};

/// One request that was signed rightly and names an operation of the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// 1 for the first request of this record.
    pub number: usize,
    /// The prefix of IAM actions: `eks`, `iam`, `cloudwatch`, ….
    pub service: &'static str,
    /// `DescribeAccessEntry`.
    pub operation: String,
    /// All parameters, wherever the protocol puts them, under the names of the service's model.
    pub input: Map<String, Value>,
    /// The access key that signed.
    pub access_key: String,
    /// `pending`, `ok`, `silence`, `dropped` or the code of the error.
    pub outcome: String,
}

impl Asked {
    /// The IAM action that is checked: `eks:DescribeAccessEntry`.
    pub fn action(&self) -> String {
        match (self.service, self.operation.as_str()) {
            ("lambda", "Invoke") => "lambda:InvokeFunction".to_owned(),
            (service, operation) => format!("{service}:{operation}"),
        }
    }

    /// A parameter that is text; empty when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.input.get(name).and_then(Value::as_str).unwrap_or("")
    }
}

impl fmt::Display for Asked {
    /// `eks:DescribeAccessEntry {"clusterName":"prod",…}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action(), Value::Object(self.input.clone()))
    }
}

/// What a fake does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What AWS would do.
    Normal,
    /// Refuses it as IAM does, status 403, with the service's own words for this action and resource.
    Denied,
    /// The service's own error for a rate that is used up.
    Throttled,
    /// The service's own error with status 500.
    Failure,
    /// What AWS would do, after this time.
    Slow(Duration),
    /// Nothing is done, and no answer comes; the connection stays open.
    Silence,
    /// Nothing is done, and the connection ends.
    Dropped,
    /// What AWS would do, and then no answer; the connection stays open. The client does not know that it was done.
    Unanswered,
    /// What AWS would do, and then the connection ends without an answer. The client does not know that it was done.
    Lost,
    /// This error.
    Error(u16, &'static str, String),
}

/// Runs `then` once, when it is called for the `number`th time: for [`crate::eks::Eks::after`] and its like, as in
/// `eks.after(nth(3, move || granter.kill()))`.
pub fn nth<T>(number: usize, then: impl FnOnce() + Send + 'static) -> impl Fn(&T) + Send + Sync {
    let called = AtomicUsize::new(0);
    let then = Mutex::new(Some(then));
    move |_| {
        if called.fetch_add(1, Ordering::SeqCst) + 1 == number
            && let Some(then) = then.lock().unwrap().take()
        {
            then();
        }
    }
}

/// An error as a service answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Whether nobody should ever have sent this.
    pub(crate) broken: bool,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            broken: false,
        }
    }

    /// A request that nobody should send, whatever the state of the service.
    pub(crate) fn broken(mut self) -> Self {
        self.broken = true;
        self
    }
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    broken_rules: Vec<String>,
    unasked: Vec<String>,
    at_once: usize,
    most_at_once: usize,
}

/// Everything that was asked of one fake, or of several that share it, in the order of arrival.
#[derive(Clone, Default)]
pub struct Record {
    shared: Arc<Mutex<State>>,
}

impl Record {
    /// Every request that names an operation the fake knows and was signed for it, whatever was answered.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.lock().unwrap().asked.clone()
    }

    /// The IAM actions that were used. Tags on create need `eks:TagResource` as well (gravitational/teleport pull request
    /// 44736).
    pub fn actions(&self) -> BTreeSet<String> {
        let asked = self.asked();
        let mut actions: BTreeSet<_> = asked.iter().map(Asked::action).collect();
        let tags = |asked: &Asked| asked.input.get("tags").is_some_and(Value::is_object);
        if asked
            .iter()
            .any(|asked| asked.action() == "eks:CreateAccessEntry" && tags(asked))
        {
            actions.insert("eks:TagResource".to_owned());
        }
        actions
    }

    /// How often this operation was asked for.
    pub fn count(&self, operation: &str) -> usize {
        self.asked()
            .iter()
            .filter(|asked| asked.operation == operation)
            .count()
    }

    /// Requests that AWS refuses whatever its state: nobody should send them.
    pub fn broken_rules(&self) -> Vec<String> {
        self.shared.lock().unwrap().broken_rules.clone()
    }

    /// Requests for operations that the fake does not know.
    pub fn unasked(&self) -> Vec<String> {
        self.shared.lock().unwrap().unasked.clone()
    }

    /// How many requests were being answered at the same time, at most.
    pub fn most_at_once(&self) -> usize {
        self.shared.lock().unwrap().most_at_once
    }

    /// Forgets what was asked so far.
    pub fn forget(&self) {
        let mut state = self.shared.lock().unwrap();
        let at_once = state.at_once;
        *state = State {
            at_once,
            ..State::default()
        };
    }

    /// Keeps a request that no fake knows.
    pub(crate) fn unknown(&self, request: String) {
        self.shared.lock().unwrap().unasked.push(request);
    }

    fn broken(&self, rule: String) {
        self.shared.lock().unwrap().broken_rules.push(rule);
    }

    pub(crate) fn begin(&self, mut asked: Asked) -> Asked {
        let mut state = self.shared.lock().unwrap();
        asked.number = state.asked.len() + 1;
        state.asked.push(asked.clone());
        state.at_once += 1;
        state.most_at_once = state.most_at_once.max(state.at_once);
        asked
    }

    pub(crate) fn end(&self, asked: &Asked, outcome: &str) {
        let mut state = self.shared.lock().unwrap();
        state.at_once = state.at_once.saturating_sub(1);
        if let Some(kept) = state.asked.get_mut(asked.number - 1) {
            outcome.clone_into(&mut kept.outcome);
        }
    }
}

/// The operation that a request names, and its parameters.
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) input: Map<String, Value>,
}

/// What differs from service to service, besides the operations.
pub(crate) trait Service {
    /// The prefix of IAM actions.
    const PREFIX: &'static str;
    /// The service in the scope of a signature.
    const SIGNED_AS: &'static str;

    /// Which operation this is; the error is what the service says of one it does not know.
    fn call(&self, request: &Request) -> Result<Call, Refusal>;
    /// Whether a signature for this region is good here.
    fn serves(&self, region: &str) -> bool;
    /// The error of [`Answer::Denied`].
    fn denied(&self, asked: &Asked) -> Refusal;
    /// The error of [`Answer::Throttled`].
    fn throttled(&self) -> Refusal;
    /// The error of [`Answer::Failure`].
    fn failure(&self) -> Refusal;
    /// What AWS would do.
    fn act(&self, asked: &Asked) -> Result<Response, Refusal>;
    /// An error in the service's protocol.
    fn refuse(&self, refusal: &Refusal) -> Response;
}

type Plan = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;
type Hook = Arc<dyn Fn(&Asked) + Send + Sync>;

/// Takes requests for a service: checks the signature, records, and asks the test's plan.
pub(crate) struct Desk {
    pub(crate) record: Record,
    plan: Mutex<Plan>,
    after: Mutex<Hook>,
}

impl Desk {
    pub(crate) fn new(record: Record) -> Self {
        Self {
            record,
            plan: Mutex::new(Arc::new(|_: &Asked| Answer::Normal)),
            after: Mutex::new(Arc::new(|_: &Asked| {})),
        }
    }

    pub(crate) fn plan(&self, plan: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        *self.plan.lock().unwrap() = Arc::new(plan);
    }

    /// Calls this with every request that was done or refused, its outcome known, before it is answered.
    pub(crate) fn after(&self, hook: impl Fn(&Asked) + Send + Sync + 'static) {
        *self.after.lock().unwrap() = Arc::new(hook);
    }

    pub(crate) fn serve<S: Service>(&self, service: &S, request: &Request) -> Response {
        let line = format!("{} {}", request.method, request.path);
        let signed = match signed::<S>(service, request) {
            Ok(signed) => signed,
            Err(refusal) => {
                self.record
                    .broken(format!("{}: {} ({line})", refusal.code, refusal.message));
                return service.refuse(&refusal);
            }
        };
        let call = match service.call(request) {
            Ok(call) => call,
            Err(refusal) => {
                let said = format!("{line}: {}", refusal.message);
                if refusal.broken {
                    self.record.broken(said);
                } else {
                    self.record.unknown(said);
                }
                return service.refuse(&refusal);
            }
        };
        let mut asked = self.record.begin(Asked {
            number: 0,
            service: S::PREFIX,
            operation: call.operation,
            input: call.input,
            access_key: signed.access_key,
            outcome: "pending".to_owned(),
        });
        let plan = Arc::clone(&*self.plan.lock().unwrap());
        let decided = plan(&asked);
        let result = match &decided {
            Answer::Normal | Answer::Unanswered | Answer::Lost => service.act(&asked),
            Answer::Slow(time) => {
                thread::sleep(*time);
                service.act(&asked)
            }
            Answer::Denied => Err(service.denied(&asked)),
            Answer::Throttled => Err(service.throttled()),
            Answer::Failure => Err(service.failure()),
            Answer::Error(status, code, message) => {
                Err(Refusal::new(*status, code, message.as_str()))
            }
            Answer::Silence => {
                self.record.end(&asked, "silence");
                never()
            }
            Answer::Dropped => {
                self.record.end(&asked, "dropped");
                return Response::hang_up();
            }
        };
        let (response, outcome) = match result {
            Ok(response) => (response, "ok"),
            Err(refusal) => {
                if refusal.broken {
                    self.record
                        .broken(format!("{}: {} ({asked})", refusal.code, refusal.message));
                }
                (service.refuse(&refusal), refusal.code)
            }
        };
        self.record.end(&asked, outcome);
        outcome.clone_into(&mut asked.outcome);
        let after = Arc::clone(&*self.after.lock().unwrap());
        after(&asked);
        match decided {
            Answer::Unanswered => never(),
            Answer::Lost => Response::hang_up(),
            _ => response,
        }
    }
}

/// Keeps a connection open without a word.
pub(crate) fn never() -> ! {
    loop {
        thread::park();
    }
}

fn signed<S: Service>(service: &S, request: &Request) -> Result<Scope, Refusal> {
    let Some(scope) = scope(request) else {
        let words = "Request is missing Authentication Token";
        return Err(Refusal::new(403, "MissingAuthenticationTokenException", words).broken());
    };
    if scope.service != S::SIGNED_AS {
        let words = format!(
            "Credential should be scoped to correct service: '{}', not '{}'.",
            S::SIGNED_AS,
            scope.service
        );
        return Err(Refusal::new(403, "InvalidSignatureException", words).broken());
    }
    if !service.serves(&scope.region) {
        let words = format!(
            "Credential should be scoped to a valid region, not '{}'.",
            scope.region
        );
        return Err(Refusal::new(403, "InvalidSignatureException", words).broken());
    }
    Ok(scope)
}
