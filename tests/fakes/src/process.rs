//! Runs the real binaries, functions and commands: with an empty environment and what the test names, under a deadline.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::lambda::{Answer, Lambda, Missing};

/// What a function may take to start, and to answer when the test says nothing else.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A process whose output is read while it runs. It does not outlive this.
struct Running {
    child: Child,
    output: Mutex<mpsc::Receiver<(String, String)>>,
}

impl Running {
    /// Starts a command that inherits nothing. `gone` is called when its output ends.
    fn start(command: &mut Command, gone: impl FnOnce() + Send + 'static) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("start the binary");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let stderr = child.stderr.take().expect("its errors are a pipe");
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let errors = thread::spawn(move || text_of(stderr));
            let text = text_of(stdout);
            gone();
            sender.send((text, errors.join().unwrap_or_default())).ok();
        });
        Self {
            child,
            output: Mutex::new(output),
        }
    }

    /// Waits for it to end by itself.
    fn ended(&mut self, patience: Duration) -> Ran {
        let Ok((stdout, stderr)) = self.output.get_mut().unwrap().recv_timeout(patience) else {
            self.child.kill().ok();
            panic!("the process did not end within {patience:?}");
        };
        let status = self.child.wait().expect("a process that has ended");
        Ran {
            status,
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Ran {
    /// The exit code; stops the test if a signal ended it.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("{}: {}", self.status, self.stderr))
    }
}

/// Runs a command to its end with these variables and no others, and gives it all of `stdin`. Stops the test if that takes
/// longer than [`PATIENCE`].
pub fn run<K: AsRef<OsStr>, V: AsRef<OsStr>>(
    binary: impl AsRef<Path>,
    arguments: &[&str],
    variables: impl IntoIterator<Item = (K, V)>,
    stdin: &[u8],
) -> Ran {
    run_within(PATIENCE, binary, arguments, variables, stdin)
}

/// The same with another patience.
pub fn run_within<K: AsRef<OsStr>, V: AsRef<OsStr>>(
    patience: Duration,
    binary: impl AsRef<Path>,
    arguments: &[&str],
    variables: impl IntoIterator<Item = (K, V)>,
    stdin: &[u8],
) -> Ran {
    let mut command = Command::new(binary.as_ref());
    command
        .args(arguments)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::piped());
    let mut running = Running::start(&mut command, || {});
    let pipe = running.child.stdin.take().expect("its input is a pipe");
    write_all(pipe, stdin.to_vec());
    running.ended(patience)
}

/// A process that reads nothing closes its end early: no error.
fn write_all(mut pipe: ChildStdin, bytes: Vec<u8>) {
    thread::spawn(move || drop(pipe.write_all(&bytes)));
}

const NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// A running function and the Runtime API it talks to.
pub struct Function {
    running: Running,
    lambda: Lambda,
    started: Instant,
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
    /// Starts `binary` with the variables that Lambda sets and these, and no others. It is named `responder` unless
    /// `AWS_LAMBDA_FUNCTION_NAME` is among them.
    pub fn start(binary: impl AsRef<Path>, variables: &[(&str, &str)]) -> Self {
        let named = variables.iter().rfind(|(key, _)| *key == NAME);
        let name = named.map_or("responder", |(_, name)| *name);
        let lambda = Lambda::named(name);
        let mut command = Command::new(binary.as_ref());
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", lambda.address())
            .env(NAME, name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        let started = Instant::now();
        let for_output = lambda.clone();
        let running = Running::start(&mut command, move || for_output.gone());
        Self {
            running,
            lambda,
            started,
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
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.child.id()))
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

    /// Gives it an event under this id, for which it has `timeout` and not a moment more.
    ///
    /// # Errors
    /// When it never asked for an event, ended, or took too long.
    pub fn try_invoke(&self, id: &str, event: &[u8], timeout: Duration) -> Result<Answer, Missing> {
        self.lambda.ready(PATIENCE)?;
        let (answer, _) = self.lambda.invoke_as(id, event, timeout)?;
        Ok(answer)
    }

    /// Whether it has ended by itself.
    pub fn is_gone(&self) -> bool {
        self.lambda.is_gone()
    }

    /// Kills it, whatever it is doing, and keeps what it wrote for [`Function::stop`]. When this returns it is gone.
    pub fn kill(&self) {
        self.killer().kill();
    }

    /// What can kill it while somebody else waits for its answer.
    pub(crate) fn killer(&self) -> Killer {
        Killer {
            id: self.running.child.id(),
            lambda: self.lambda.clone(),
        }
    }

    /// Ends it, as Lambda does when it needs the room.
    pub fn stop(mut self) -> Ended {
        self.running.child.kill().ok();
        self.ended()
    }

    /// Waits for it to end by itself.
    pub fn ended(mut self) -> Ended {
        let Ran {
            status,
            stdout,
            stderr,
        } = self.running.ended(PATIENCE);
        Ended {
            status,
            stdout,
            stderr,
            unasked: self.lambda.unasked(),
            init_error: self.lambda.init_error(),
        }
    }
}

/// Kills a function. Good until the function is stopped, as its id may be another's then.
#[derive(Clone)]
pub(crate) struct Killer {
    pub(crate) id: u32,
    lambda: Lambda,
}

impl Killer {
    /// When this returns the function is gone.
    pub(crate) fn kill(&self) {
        let id = self.id.to_string();
        let killed = Command::new("kill").args(["-KILL", &id]).status();
        assert!(killed.is_ok_and(|status| status.success()), "kill {id}");
        let gone = self.lambda.wait_until_gone(PATIENCE);
        assert!(gone.is_ok(), "{id} was killed and is still there");
    }
}

fn text_of(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{run, run_within};

    #[test]
    fn a_command_gets_what_the_test_names_and_nothing_else() {
        let script = "read -r line; echo \"$line\"; echo \"$GIVEN$HOME\" >&2; exit 3";
        let ran = run("/bin/sh", &["-c", script], [("GIVEN", "x")], b"hello\n");
        assert_eq!(
            (ran.code(), ran.stdout.as_str(), ran.stderr.as_str()),
            (3, "hello\n", "x\n")
        );
    }

    #[test]
    fn a_command_that_reads_nothing_is_no_trouble() {
        let none: [(&str, &str); 0] = [];
        let input = vec![b'x'; 1_000_000];
        assert!(run("/bin/true", &[], none, &input).status.success());
    }

    #[test]
    #[should_panic(expected = "did not end")]
    fn a_command_has_a_deadline() {
        let none: [(&str, &str); 0] = [];
        run_within(Duration::from_millis(50), "/bin/sleep", &["60"], none, b"");
    }
}
