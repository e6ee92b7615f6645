//! The AWS CLI's files, as far as they tell what a profile's credentials are. Secrets are not kept.

use std::collections::{BTreeMap, BTreeSet};

/// The profiles of `~/.aws/config` and `~/.aws/credentials`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profiles(BTreeMap<String, Profile>);

/// One profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    settings: BTreeMap<String, String>,
    /// The names of settings whose values are not for showing.
    secrets: BTreeSet<String>,
}

/// What a profile's credentials are, in the order in which the AWS CLI looks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It assumes a role.
    AssumeRole {
        /// The role's ARN.
        role: String,
    },
    /// It assumes a role with a web identity token.
    WebIdentity {
        /// The role's ARN.
        role: String,
    },
    /// IAM Identity Center.
    Sso {
        /// The account's id.
        account: String,
        /// The permission set.
        role: String,
    },
    /// `aws login`.
    Login,
    /// Keys in a file.
    Keys,
    /// A program that gives credentials.
    Process,
    /// None.
    Nothing,
}

impl Kind {
    /// The kind in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::AssumeRole { role } => format!("assumes {role}"),
            Self::WebIdentity { role } => format!("assumes {role} with a web identity token"),
            Self::Sso { account, role } => {
                format!("IAM Identity Center, permission set {role} in account {account}")
            }
            Self::Login => "signed in with `aws login`".to_owned(),
            Self::Keys => "keys in a file".to_owned(),
            Self::Process => "a program gives the credentials".to_owned(),
            Self::Nothing => "it has no credentials of its own".to_owned(),
        }
    }
}

impl Profiles {
    /// Reads the texts of both files. What is no setting of a profile is left out.
    #[must_use]
    pub fn read(config: &str, credentials: &str) -> Self {
        let mut profiles = Self::default();
        profiles.add(config, |section| {
            if section == "default" {
                return Some(section);
            }
            section.strip_prefix("profile").map(str::trim_start)
        });
        profiles.add(credentials, Some);
        profiles
    }

    fn add<'a>(&mut self, text: &'a str, name: impl Fn(&'a str) -> Option<&'a str>) {
        let mut current: Option<&mut Profile> = None;
        for line in text.lines() {
            let is_nested = line.starts_with([' ', '\t']);
            let line = line.trim();
            if let Some(section) = line.strip_prefix('[') {
                let section = section.split(']').next().unwrap_or_default().trim();
                current = name(section).map(|name| {
                    let name = name.trim_matches(['"', '\'']).to_owned();
                    self.0.entry(name).or_default()
                });
            } else if let (Some(profile), Some((key, value)), false) =
                (current.as_mut(), line.split_once('='), is_nested)
                && !line.starts_with(['#', ';'])
            {
                profile.set(key.trim().to_ascii_lowercase(), value.trim());
            }
        }
    }

    /// A profile by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }
}

impl Profile {
    fn set(&mut self, key: String, value: &str) {
        const KEPT: [&str; 8] = [
            "role_arn",
            "web_identity_token_file",
            "sso_account_id",
            "sso_role_name",
            "sso_session",
            "sso_start_url",
            "login_session",
            "region",
        ];
        if KEPT.contains(&key.as_str()) {
            self.settings.insert(key, value.to_owned());
        } else {
            self.secrets.insert(key);
        }
    }

    /// The Region it sets.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.settings.get("region").map(String::as_str)
    }

    /// What its credentials are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let get = |key: &str| self.settings.get(key).cloned();
        let has = |key: &str| self.settings.contains_key(key);
        match get("role_arn") {
            Some(role) if has("web_identity_token_file") => Kind::WebIdentity { role },
            Some(role) => Kind::AssumeRole { role },
            None if has("sso_session") || has("sso_start_url") => Kind::Sso {
                account: get("sso_account_id").unwrap_or_default(),
                role: get("sso_role_name").unwrap_or_default(),
            },
            None if has("login_session") => Kind::Login,
            None if self.secrets.contains("aws_access_key_id") => Kind::Keys,
            None if self.secrets.contains("credential_process") => Kind::Process,
            None => Kind::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Profile, Profiles};

    #[test]
    fn each_kind_of_profile_is_told() {
        let config = "[default]\nregion = eu-west-1\n# [profile no]\n[profile work]\nsso_session = s\nsso_account_id = 111122223333\n\
            sso_role_name = Dev\n[sso-session s]\nrole_arn = x\n[profile \"two words\"]\nrole_arn=arn:aws:iam::111122223333:role/R\nsource_profile = work\n\
            s3 =\n  role_arn = nested\n[profile tool]\ncredential_process = /bin/secret-tool\n";
        let credentials =
            "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=s3cr3t\n";
        let profiles = Profiles::read(config, credentials);
        let kind = |name: &str| profiles.get(name).map(Profile::kind);
        assert_eq!(kind("default"), Some(Kind::Keys));
        assert_eq!(
            kind("work"),
            Some(Kind::Sso {
                account: "111122223333".to_owned(),
                role: "Dev".to_owned()
            })
        );
        let role = "arn:aws:iam::111122223333:role/R".to_owned();
        assert_eq!(kind("two words"), Some(Kind::AssumeRole { role }));
        assert_eq!(kind("tool"), Some(Kind::Process));
        assert_eq!((kind("s"), kind("no")), (None, None));
        assert_eq!(
            profiles.get("default").and_then(Profile::region),
            Some("eu-west-1")
        );
        let kept = format!("{profiles:?}");
        assert!(!kept.contains("s3cr3t") && !kept.contains("AKIA"), "{kept}");
    }
}
