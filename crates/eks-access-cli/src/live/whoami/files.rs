//! The files that decide who calls: kubeconfigs and the AWS CLI's own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use eks_access::kubeconfig::Kubeconfig;
use eks_access::whoami::{Environment, Profiles};

use crate::output::Error;

/// A kubeconfig larger than this is none.
const LARGEST: u64 = 16 << 20;

/// The kubeconfig that kubectl would use: the named file and no other, or the files of `KUBECONFIG` (those that are
/// missing are passed over), or `~/.kube/config`.
pub(super) fn kubeconfig(
    named: Option<&Path>,
    shell: &BTreeMap<String, String>,
) -> Result<Kubeconfig, Error> {
    let paths: Vec<PathBuf> = match (named, shell.get("KUBECONFIG")) {
        (Some(path), _) => vec![path.to_owned()],
        (None, Some(list)) => std::env::split_paths(list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        (None, None) => home(shell)
            .map(|home| home.join(".kube/config"))
            .into_iter()
            .collect(),
    };
    let mut read = Kubeconfig::default();
    let mut is_any = false;
    for path in &paths {
        let text = match text(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::Input(path.clone(), error)),
        };
        is_any = true;
        read.add(&text).map_err(|broken| {
            Error::Format(
                path.clone(),
                format!("line {}: {}", broken.line, broken.what),
            )
        })?;
    }
    if is_any {
        Ok(read)
    } else {
        let looked: Vec<_> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Err(Error::Ask(format!(
            "there is no kubeconfig (looked for: {}); make one: \
             aws eks update-kubeconfig --name NAME --region REGION",
            if looked.is_empty() {
                "HOME is not set".to_owned()
            } else {
                looked.join(", ")
            }
        )))
    }
}

fn text(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "larger than 16 MB",
        ));
    }
    fs::read_to_string(path)
}

fn home(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let home = variables
        .get("HOME")
        .or_else(|| variables.get("USERPROFILE"))?;
    Some(PathBuf::from(home))
}

/// The profiles of the AWS CLI's files; a file that can't be read has none, as the AWS CLI has it.
pub(super) fn profiles(environment: &Environment) -> Profiles {
    let [config, credentials] = FILES.map(|file| read(environment, file));
    Profiles::read(&config, &credentials)
}

/// The AWS CLI's files: the variable that names each, and where it is without.
const FILES: [(&str, &str); 2] = [
    ("AWS_CONFIG_FILE", ".aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
];

/// Whether a file that the kubeconfig names, and not the shell, names a program that gives credentials. Whoever wrote the
/// kubeconfig may have written that file as well.
pub(super) fn names_a_program(environment: &Environment) -> bool {
    let by_kubeconfig = |(variable, _): &(&str, &str)| environment.is_of_kubeconfig(variable);
    FILES.into_iter().filter(by_kubeconfig).any(|file| {
        let text = read(environment, file).to_ascii_lowercase();
        text.contains("credential_process")
    })
}

/// The text of a file of the AWS CLI, if it can be read.
fn read(environment: &Environment, (variable, usual): (&str, &str)) -> String {
    let home = environment
        .get("HOME")
        .or_else(|| environment.get("USERPROFILE"));
    let path = match (environment.get(variable), home) {
        (Some(path), Some(home)) => match path.strip_prefix("~/") {
            Some(rest) => Path::new(home).join(rest),
            None => PathBuf::from(path),
        },
        (Some(path), None) => PathBuf::from(path),
        (None, Some(home)) => Path::new(home).join(usual),
        (None, None) => return String::new(),
    };
    text(&path).unwrap_or_default()
}
