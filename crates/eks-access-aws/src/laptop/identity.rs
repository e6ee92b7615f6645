//! Who credentials belong to: STS, with the credentials of one source and no other.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use eks_access::principal::Principal;
use eks_access::text::LogText;

use super::refused::{Kind, Refused, chain};
use super::{loader, named};

/// One place with credentials, and all that is needed to get them.
#[derive(Clone)]
pub enum From {
    /// A profile, and where the files are if not where they usually are.
    Profile {
        /// Its name.
        name: String,
        /// `AWS_CONFIG_FILE`.
        config: Option<String>,
        /// `AWS_SHARED_CREDENTIALS_FILE`.
        credentials: Option<String>,
    },
    /// Keys.
    Keys {
        /// `AWS_ACCESS_KEY_ID`.
        id: String,
        /// `AWS_SECRET_ACCESS_KEY`.
        secret: String,
        /// `AWS_SESSION_TOKEN`.
        token: Option<String>,
    },
    /// A role, with a token in a file.
    WebIdentity {
        /// `AWS_ROLE_ARN`.
        role: String,
        /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
        token_file: String,
    },
    /// The container's role.
    Container,
    /// The instance's role.
    Instance,
}

/// Credentials whose owner STS named.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The ARN as STS writes it.
    pub arn: LogText,
    /// The same as IAM writes it, if it is a principal that EKS could map.
    pub principal: Option<Principal>,
    /// `AROA…:SESSION` or `AIDA…`.
    pub user_id: LogText,
    config: SdkConfig,
}

impl Caller {
    /// `AROA…` or `AIDA…`, without the session's name.
    #[must_use]
    pub fn unique_id(&self) -> &str {
        let id = self.user_id.raw();
        id.split_once(':').map_or(id, |(id, _)| id)
    }

    /// The Region that the environment or the profile gives, if nobody named one.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// A configuration with these credentials, for clients in this Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> SdkConfig {
        self.config.to_builder().region(named(region)).build()
    }
}

/// The configuration with the credentials of this one source, and whom they belong to.
///
/// # Errors
/// When there are none, or STS does not take them.
pub async fn of(from: &From, region: Option<&str>) -> Result<Caller, Refused> {
    let found = credentials(from, region).await;
    let credentials = found.map_err(Refused::without_credentials)?;
    let provider = SharedCredentialsProvider::new(credentials);
    whose(loader(region).credentials_provider(provider).load().await).await
}

/// Whom the credentials of a configuration belong to. `sts:GetCallerIdentity` needs no permission.
///
/// # Errors
/// When STS does not take them.
pub async fn whose(config: SdkConfig) -> Result<Caller, Refused> {
    let answer = Client::new(&config).get_caller_identity().send().await;
    let answer = answer.map_err(|error| Refused::new("sts:GetCallerIdentity", &error))?;
    let arn = answer.arn().unwrap_or_default();
    Ok(Caller {
        principal: arn.parse().ok(),
        arn: LogText::new(arn),
        user_id: LogText::new(answer.user_id().unwrap_or_default()),
        config,
    })
}

/// Assumes a role as a plugin would, and names the session's owner.
///
/// # Errors
/// When the role does not let the caller in, or is none.
pub async fn assumed(
    caller: &Caller,
    role: &str,
    session: &str,
    external_id: Option<&str>,
) -> Result<Caller, Refused> {
    const ACTION: &str = "sts:AssumeRole";
    let answer = Client::new(&caller.config)
        .assume_role()
        .role_arn(role)
        .role_session_name(session)
        .set_external_id(external_id.map(str::to_owned))
        .send()
        .await
        .map_err(|error| Refused::new(ACTION, &error))?;
    let given = answer.credentials().ok_or_else(|| Refused {
        action: ACTION,
        kind: Kind::Other,
        code: String::new(),
        message: LogText::new("STS gave no credentials"),
    })?;
    let credentials = Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().to_owned()),
        SystemTime::try_from(*given.expiration()).ok(),
        "assumed role",
    );
    let config = caller.config.to_builder();
    let provider = SharedCredentialsProvider::new(credentials);
    whose(config.credentials_provider(provider).build()).await
}

async fn credentials(from: &From, region: Option<&str>) -> Result<Credentials, String> {
    let about = ProviderConfig::without_region().with_region(region.map(named));
    let found = match from {
        From::Keys { id, secret, token } => {
            return Ok(Credentials::new(id, secret, token.clone(), None, "keys"));
        }
        From::Profile {
            name,
            config,
            credentials,
        } => {
            let files = files(config.as_deref(), credentials.as_deref());
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&about)
                .profile_files(files)
                .profile_name(name);
            provider.build().provide_credentials().await
        }
        From::WebIdentity { role, token_file } => {
            let fixed = StaticConfiguration {
                web_identity_token_file: token_file.into(),
                role_arn: role.clone(),
                session_name: "eks-access".to_owned(),
            };
            let provider = WebIdentityTokenCredentialsProvider::builder()
                .configure(&about)
                .static_configuration(fixed);
            provider.build().provide_credentials().await
        }
        From::Container => {
            let provider = EcsCredentialsProvider::builder().configure(&about);
            provider.build().provide_credentials().await
        }
        From::Instance => {
            let provider = ImdsCredentialsProvider::builder().configure(&about);
            provider.build().provide_credentials().await
        }
    };
    found.map_err(|error| chain(&error))
}

fn files(config: Option<&str>, credentials: Option<&str>) -> EnvConfigFiles {
    let builder = EnvConfigFiles::builder();
    let builder = match config {
        Some(path) => builder.with_file(EnvConfigFileKind::Config, path),
        None => builder.include_default_config_file(true),
    };
    match credentials {
        Some(path) => builder.with_file(EnvConfigFileKind::Credentials, path),
        None => builder.include_default_credentials_file(true),
    }
    .build()
}
