//! What AWS Lambda keeps of one function: instances, each a process that handles one event at a time. One that dies or
//! takes too long is a function error, and the next event gets a new one.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

use crate::lambda::{Answer, Missing};
use crate::process::{Ended, Function, Killer, PATIENCE};

/// A function with its instances. Clones are the same function.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

/// What is left of all instances when a pool has ended.
#[derive(Debug, Default)]
pub struct Remains {
    /// How many instances there were.
    pub instances: usize,
    /// All of their standard output, one instance after another.
    pub stdout: String,
    /// All of their standard error.
    pub stderr: String,
    /// Requests to the Runtime API that are none of it.
    pub unasked: Vec<String>,
    /// What they posted to `/init/error`: type and message.
    pub init_errors: Vec<(String, String)>,
}

pub(crate) struct Inner {
    name: String,
    binary: PathBuf,
    timeout: Duration,
    most: usize,
    variables: Mutex<Vec<(String, String)>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Function>,
    busy: Vec<Killer>,
    /// How many instances there are or are being started.
    count: usize,
    has_ended: bool,
    remains: Remains,
}

/// The error of an event for which there is no instance.
pub(crate) const THROTTLED: &str = "TooManyRequestsException";

/// An id for an event, as no other event has it.
pub(crate) fn fresh_id() -> String {
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    let number = GIVEN.fetch_add(1, Ordering::SeqCst) + 1;
    format!("1a4bda00-0000-4000-8000-{number:012}")
}

impl Pool {
    /// A function of this name that is this binary, started when there is an event for it, with the variables that Lambda
    /// sets and these, and no others. Up to eight instances, and [`PATIENCE`] for each event.
    pub fn new(name: &str, binary: impl AsRef<Path>, variables: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Self {
            inner: Arc::new(Inner {
                name: name.to_owned(),
                binary: binary.as_ref().to_owned(),
                timeout: PATIENCE,
                most: 8,
                variables: Mutex::new(variables.iter().map(owned).collect()),
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// With at most so many instances; more events wait.
    #[must_use]
    pub fn at_most(self, instances: usize) -> Self {
        self.changed(|inner| inner.most = instances)
    }

    /// With so much time for an event, and not a moment more.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.changed(|inner| inner.timeout = timeout)
    }

    fn changed(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        let inner = Arc::get_mut(&mut self.inner);
        change(inner.expect("a pool that nobody uses yet"));
        self
    }

    /// The function's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Sets a variable of the instances that are started from now on, and ends those that are at rest, as a deployment
    /// does.
    pub fn set(&self, name: &str, value: &str) {
        let mut variables = self.inner.variables.lock().unwrap();
        variables.retain(|(key, _)| key != name);
        variables.push((name.to_owned(), value.to_owned()));
        drop(variables);
        self.rest();
    }

    /// Ends the instances that are at rest, as Lambda does after a while: the next event meets a cold start.
    pub fn rest(&self) {
        let idle = std::mem::take(&mut self.inner.state.lock().unwrap().idle);
        for function in idle {
            self.inner.gone(function);
        }
    }

    /// Starts so many instances, and waits until each asks for an event.
    pub fn warm(&self, instances: usize) {
        for _ in 0..instances {
            self.inner.state.lock().unwrap().count += 1;
            let function = self.inner.started();
            function.init();
            self.inner.state.lock().unwrap().idle.push(function);
        }
    }

    /// Gives an event to an instance that is free, or to a new one. Never panics: whatever happens to the process is an
    /// error as Lambda words it.
    pub fn run(&self, event: &[u8]) -> Answer {
        self.run_as(&fresh_id(), event)
    }

    /// The same under this id.
    pub fn run_as(&self, id: &str, event: &[u8]) -> Answer {
        self.inner.run(id, event)
    }

    /// Kills every instance, whatever it is doing. When this returns they are gone; what they were doing failed.
    pub fn kill(&self) {
        let mut state = self.inner.state.lock().unwrap();
        for killer in &state.busy {
            killer.kill();
        }
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        for function in idle {
            self.inner.gone(function);
        }
    }

    /// How many events are being handled.
    pub fn busy(&self) -> usize {
        self.inner.state.lock().unwrap().busy.len()
    }

    /// Kills every instance; from now on every event fails. Says what they left.
    pub fn end(&self) -> Remains {
        self.inner.state.lock().unwrap().has_ended = true;
        self.inner.changed.notify_all();
        self.kill();
        let until = Instant::now() + PATIENCE;
        let mut state = self.inner.state.lock().unwrap();
        while state.count > 0 {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "an instance did not end");
            state = self.inner.changed.wait_timeout(state, left).unwrap().0;
        }
        std::mem::take(&mut state.remains)
    }

    /// The same function for a server's thread, which never ends: instances shall not outlive the test for its sake.
    pub(crate) fn weak(&self) -> Weak<Inner> {
        Arc::downgrade(&self.inner)
    }
}

impl Inner {
    fn started(&self) -> Function {
        let variables = self.variables.lock().unwrap().clone();
        let mut all = vec![("AWS_LAMBDA_FUNCTION_NAME", self.name.as_str())];
        all.extend(variables.iter().map(|(key, value)| (&**key, &**value)));
        Function::start(&self.binary, &all)
    }

    /// An instance that is free, or a new one; `None` if there will be none.
    fn taken(&self) -> Option<Function> {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap();
        loop {
            if state.has_ended {
                return None;
            }
            if let Some(function) = state.idle.pop() {
                if !function.is_gone() {
                    state.busy.push(function.killer());
                    return Some(function);
                }
                drop(state);
                self.gone(function);
                state = self.state.lock().unwrap();
            } else if state.count < self.most {
                state.count += 1;
                let function = self.started();
                state.busy.push(function.killer());
                return Some(function);
            } else {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return None;
                }
                state = self.changed.wait_timeout(state, left).unwrap().0;
            }
        }
    }

    pub(crate) fn run(&self, id: &str, event: &[u8]) -> Answer {
        let Some(function) = self.taken() else {
            return error(THROTTLED, "Rate Exceeded.");
        };
        let answer = function.try_invoke(id, event, self.timeout);
        let mut state = self.state.lock().unwrap();
        let this = function.killer().id;
        state.busy.retain(|killer| killer.id != this);
        match answer {
            Ok(answer) if !state.has_ended => {
                state.idle.push(function);
                self.changed.notify_all();
                answer
            }
            Ok(answer) => {
                drop(state);
                self.gone(function);
                answer
            }
            Err(missing) => {
                drop(state);
                let ended = self.gone(function);
                self.failed(id, missing, &ended)
            }
        }
    }

    /// In the words of Lambda.
    fn failed(&self, id: &str, missing: Missing, ended: &Ended) -> Answer {
        match (missing, &ended.init_error) {
            (_, Some((kind, message))) => error(kind, message),
            (Missing::Gone, None) => {
                let how = match (ended.status.code(), ended.status.signal()) {
                    (Some(0), _) => "without providing a reason".to_owned(),
                    (Some(code), _) => format!("with error: exit status {code}"),
                    (None, Some(9)) => "with error: signal: killed".to_owned(),
                    (None, signal) => format!("with error: signal: {}", signal.unwrap_or(0)),
                };
                let words = format!("RequestId: {id} Error: Runtime exited {how}");
                error("Runtime.ExitError", &words)
            }
            (Missing::TooLate, None) => {
                let seconds = self.timeout.as_secs_f64();
                let words =
                    format!("RequestId: {id} Error: Task timed out after {seconds:.2} seconds");
                error("Sandbox.Timedout", &words)
            }
        }
    }

    /// Ends an instance and keeps what it left.
    fn gone(&self, function: Function) -> Ended {
        let ended = function.stop();
        let mut state = self.state.lock().unwrap();
        state.count -= 1;
        let remains = &mut state.remains;
        remains.instances += 1;
        remains.stdout.push_str(&ended.stdout);
        remains.stderr.push_str(&ended.stderr);
        remains.unasked.extend(ended.unasked.iter().cloned());
        remains.init_errors.extend(ended.init_error.iter().cloned());
        self.changed.notify_all();
        ended
    }
}

fn error(kind: &str, message: &str) -> Answer {
    Answer::Error {
        kind: kind.to_owned(),
        message: message.to_owned(),
    }
}
