//! The command's world: AWS on loopback, a home with the AWS CLI's files, and an environment with nothing in it but what is
//! named.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use fakes::aws::Aws;
use fakes::process::{Ran, run};
use serde_json::Value;

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ACCOUNT: &str = "111122223333";
/// What must never be printed: secrets of the shell and of profiles, and keys and tokens of assumed roles.
const SECRETS: [&str; 4] = ["s3cr3t", "ASIAFAKE", "session-1", "secret-1"];

pub(crate) struct World {
    aws: Aws,
    home: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Deref for World {
    type Target = Aws;

    fn deref(&self) -> &Aws {
        &self.aws
    }
}

impl World {
    /// Nobody is signed in.
    pub(crate) fn new() -> Self {
        let aws = Aws::start(REGION, ACCOUNT);
        let home = home();
        let variables = [
            ("HOME", home.to_str().unwrap()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL", aws.endpoint()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            variables: variables.into_iter().collect(),
            aws,
            home,
        }
    }

    /// Sets a variable of the shell.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// All variables of the shell.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Gives the shell keys of this principal.
    pub(crate) fn sign_in(&mut self, key: &str, arn: &str) -> &mut Self {
        self.directory.signs_with(key, arn, "jo");
        self.set("AWS_ACCESS_KEY_ID", key)
            .set("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-the-shell")
    }

    /// Writes a file of the home.
    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.home.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A file of the home.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.join(path)
    }

    /// A profile with keys of this principal.
    pub(crate) fn profile(&self, name: &str, key: &str, arn: &str) {
        self.directory.signs_with(key, arn, "jo");
        let before = std::fs::read_to_string(self.path(".aws/credentials")).unwrap_or_default();
        let text = format!(
            "{before}[{name}]\naws_access_key_id = {key}\naws_secret_access_key = s3cr3t-of-{name}\n"
        );
        self.file(".aws/credentials", &text);
    }

    /// Runs the command. Whatever it says, no secret is in it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let binary = Path::new(env!("CARGO_BIN_EXE_eks-access"));
        let ran = run(binary, arguments, self.variables.clone(), b"");
        for secret in SECRETS {
            assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
            assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
        }
        ran
    }

    /// Starts the command, whose output nobody reads.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_eks-access"))
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs the command, which prints one JSON object.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let arguments = [arguments, &["--format", "json"]].concat();
        let ran = self.run(&arguments);
        (ran.code(), serde_json::from_str(&ran.stdout).unwrap())
    }
}

/// With single spaces, so that it does not matter where lines break.
pub(crate) fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.home).ok();
        if !std::thread::panicking() {
            assert_eq!(self.aws.complaints(), Vec::<String>::new());
        }
    }
}

fn home() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let home = std::env::temp_dir().join(format!("eks-access-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    home
}
