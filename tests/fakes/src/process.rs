//! Runs the real binary of a function: with an empty environment and what the test names, under a deadline.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::lambda::{Answer, Lambda};

/// What a function may take to start, and to answer when the test says nothing else.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running function and the Runtime API it talks to.
pub struct Function {
    child: Child,
    lambda: Lambda,
    started: Instant,
    output: mpsc::Receiver<(String, String)>,
}

/// A function that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
    /// Requests to the Runtime API that are none of it.
    pub unasked: Vec<String>,
    /// What it posted to `/init/error`: type and message.
    pub init_error: Option<(String, String)>,
}

impl Function {
    /// Starts `binary` with the variables that Lambda sets and these, and no others.
    pub fn start(binary: impl AsRef<Path>, variables: &[(&str, &str)]) -> Self {
        let lambda = Lambda::start();
        let mut command = Command::new(binary.as_ref());
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", lambda.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", "responder")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().expect("start the function");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let stderr = child.stderr.take().expect("its errors are a pipe");
        let (sender, output) = mpsc::channel();
        let for_output = lambda.clone();
        thread::spawn(move || {
            let errors = thread::spawn(move || text_of(stderr));
            let text = text_of(stdout);
            for_output.gone();
            sender.send((text, errors.join().unwrap_or_default())).ok();
        });
        Self {
            child,
            lambda,
            started,
            output,
        }
    }

    /// How long it took from `exec` to the first question for an event.
    pub fn init(&self) -> Duration {
        match self.lambda.ready(PATIENCE) {
            Ok(at) => at - self.started,
            Err(missing) => panic!("the function never asked for an event: {missing:?}"),
        }
    }

    /// Gives it an event and waits for the answer.
    pub fn invoke(&self, event: &[u8]) -> Answer {
        self.invoke_within(event, PATIENCE).0
    }

    /// The same with so much time left to the function; also says how long it took.
    pub fn invoke_within(&self, event: &[u8], timeout: Duration) -> (Answer, Duration) {
        match self.lambda.invoke(event, timeout) {
            Ok(answer) => answer,
            Err(missing) => panic!("the function did not answer: {missing:?}"),
        }
    }

    /// The most memory it ever held, in KiB (`VmHWM`).
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("a running function");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("Linux writes VmHWM");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("VmHWM is a number of kB")
    }

    /// Ends it, as Lambda does when it needs the room.
    pub fn stop(mut self) -> Ended {
        self.child.kill().ok();
        self.ended()
    }

    /// Waits for it to end by itself.
    pub fn ended(mut self) -> Ended {
        let Ok((stdout, stderr)) = self.output.recv_timeout(PATIENCE) else {
            self.child.kill().ok();
            panic!("the function did not end");
        };
        let status = self.child.wait().expect("a process that has ended");
        Ended {
            status,
            stdout,
            stderr,
            unasked: self.lambda.unasked(),
            init_error: self.lambda.init_error(),
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn text_of(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).ok();
    String::from_utf8_lossy(&bytes).into_owned()
}
