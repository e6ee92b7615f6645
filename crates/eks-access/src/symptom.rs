//! What one line says: a closed list. Why it says so is a [`crate::catalogue::Cause`].

use std::fmt;
use std::str::FromStr;

pub mod client;
mod mapping;
pub mod record;
mod sts;
mod token;

/// Who can act on a symptom or a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// The person or program that called.
    Caller,
    /// Whoever administers the cluster's access entries, `aws-auth` and RBAC.
    ClusterAdministrator,
    /// Whoever administers IAM and the organization.
    IamAdministrator,
    /// AWS: open a support case.
    Aws,
    /// The security team.
    Security,
    /// Nobody: the line is information.
    Nobody,
}

impl Actor {
    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::ClusterAdministrator => "cluster-administrator",
            Self::IamAdministrator => "iam-administrator",
            Self::Aws => "aws",
            Self::Security => "security",
            Self::Nobody => "nobody",
        }
    }

    /// The name as a person reads it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Caller => "the caller",
            Self::ClusterAdministrator => "a cluster administrator",
            Self::IamAdministrator => "an IAM administrator",
            Self::Aws => "AWS Support",
            Self::Security => "the security team",
            Self::Nobody => "nobody",
        }
    }
}

/// How much a symptom or cause matters to whoever is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// One caller, self-service.
    Low,
    /// One caller who needs somebody else.
    Medium,
    /// Nodes, many callers, or a possible attack.
    High,
    /// Every login of the cluster is at risk.
    Critical,
}

impl Severity {
    /// The stable name in machine output and SNS attributes.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a line is, coarser than its symptom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A login was refused (HTTP 401 for the caller).
    Denial,
    /// STS vouched for a caller (`STS response`); says nothing about access.
    Identity,
    /// A login succeeded.
    Granted,
    /// Something in the login path itself is broken.
    Fault,
    /// An authenticated request was refused (HTTP 403).
    Refusal,
    /// A line of no interest.
    Other,
    /// A line that is cut or is not in the grammar.
    Unreadable,
}

impl Kind {
    /// Whether it says that something was refused or is broken.
    #[must_use]
    pub fn is_problem(self) -> bool {
        matches!(self, Self::Denial | Self::Fault | Self::Refusal)
    }

    /// The stable name in machine output.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Denial => "denial",
            Self::Identity => "identity",
            Self::Granted => "granted",
            Self::Fault => "fault",
            Self::Refusal => "refusal",
            Self::Other => "other",
            Self::Unreadable => "unreadable",
        }
    }
}

macro_rules! symptoms {
    ($($(#[doc = $doc:literal])* $name:ident = $slug:literal, $kind:ident;)*) => {
        /// What a line says, from a closed list. The slug is for ever.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Symptom { $($(#[doc = $doc])* $name,)* }

        impl Symptom {
            /// Every symptom, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name, as written in documentation, metrics and machine output.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// What kind of line shows this symptom.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }
        }
    };
}

symptoms! {
    /// STS vouched for a role or user, and nothing maps it to a Kubernetes user.
    NotMapped = "not-mapped", Denial;
    /// The same for a node's role: session `i-…`, `mi-…`, `fargate-…`, or a role name that node tools give.
    NotMappedNode = "not-mapped-node", Denial;
    /// The same for an account's root user.
    NotMappedRoot = "not-mapped-root", Denial;
    /// The same for an STS federated user, which no access entry can name.
    NotMappedFederated = "not-mapped-federated", Denial;
    /// The unique id matches an access entry whose ARN is another one.
    PrincipalIdMismatch = "principal-id-mismatch", Denial;
    /// The mapping gives a user name with a reserved prefix.
    ReservedUsername = "reserved-username", Denial;
    /// A mapping with `{{EC2PrivateDNSName}}` was used by a session that is no EC2 instance.
    NodeSessionNotInstance = "node-session-not-instance", Denial;
    /// The control plane may not call `ec2:DescribeInstances` as the cluster role.
    NodeDnsLookupDenied = "node-dns-lookup-denied", Denial;
    /// EC2 throttled the control plane's look-up of a node's name.
    NodeDnsLookupThrottled = "node-dns-lookup-throttled", Denial;
    /// EC2 does not know the instance in this account and Region.
    NodeDnsLookupNotFound = "node-dns-lookup-not-found", Denial;
    /// STS: the access key or session token is not valid.
    StsInvalidToken = "sts-invalid-token", Denial;
    /// STS: the temporary credentials have expired.
    StsExpiredCredentials = "sts-expired-credentials", Denial;
    /// STS: the signature does not match (cluster name, secret key or client).
    StsSignatureMismatch = "sts-signature-mismatch", Denial;
    /// STS: the signature's time is too far off.
    StsClockSkew = "sts-clock-skew", Denial;
    /// STS is not activated in that Region for the account.
    StsRegionDisabled = "sts-region-disabled", Denial;
    /// STS: an SCP, endpoint policy or account status forbids the call.
    StsAccessDenied = "sts-access-denied", Denial;
    /// STS throttled the control plane.
    StsThrottled = "sts-throttled", Denial;
    /// STS answered 5xx, a redirect, or something that is no answer.
    StsUnavailable = "sts-unavailable", Denial;
    /// The control plane could not reach STS.
    StsUnreachable = "sts-unreachable", Denial;
    /// STS refused, and the line does not say why (authenticator up to v0.4).
    StsRejectedUnspecified = "sts-rejected-unspecified", Denial;
    /// The token is older than 15 minutes.
    TokenExpired = "token-expired", Denial;
    /// The bearer token is no IAM token at all.
    TokenNotIam = "token-not-iam", Denial;
    /// The token does not follow the rules of `k8s-aws-v1` tokens.
    TokenMalformed = "token-malformed", Denial;
    /// The token was signed for an STS host this cluster does not accept.
    TokenWrongEndpoint = "token-wrong-endpoint", Denial;
    /// The token was not signed for a cluster.
    TokenWrongCluster = "token-wrong-cluster", Denial;
    /// The token looks built by hand to trick the authenticator.
    TokenForged = "token-forged", Denial;
    /// STS named an identity that can't log in to any cluster.
    IdentityUnsupported = "identity-unsupported", Denial;
    /// Something other than the API server called the webhook.
    WebhookMalformedRequest = "webhook-malformed-request", Fault;
    /// `aws-auth` could not be parsed, or is gone: mappings are lost, nodes included.
    AwsAuthMalformed = "aws-auth-malformed", Fault;
    /// The authenticator lost its watch on `aws-auth` or the access entries.
    MappingWatchLost = "mapping-watch-lost", Fault;
    /// The authenticator itself is broken.
    AuthenticatorServerFault = "authenticator-server-fault", Fault;
    /// A login was granted with an empty user name, which aggregated APIs refuse.
    EmptyUsernameAggregatedApi = "empty-username-aggregated-api", Denial;

    /// A login was granted.
    AccessGranted = "access-granted", Granted;
    /// STS vouched for a caller.
    StsIdentity = "sts-identity", Identity;
    /// A line of no interest.
    InfoOther = "info-other", Other;
    /// A line that is cut or is not in the grammar.
    Truncated = "truncated", Unreadable;
    /// A denial in words that no known authenticator release uses.
    UnknownDenial = "unknown-denial", Denial;

    /// Terminal: `You must be logged in to the server` and its variants.
    ClientUnauthorized = "client-unauthorized", Denial;
    /// Terminal: `Error from server (Forbidden)`.
    ClientForbidden = "client-forbidden", Refusal;
    /// Terminal: `AccessDeniedException … eks:DescribeCluster`.
    ClientDescribeClusterDenied = "client-describe-cluster-denied", Refusal;
    /// Terminal: `AccessDenied … sts:AssumeRole`.
    ClientAssumeRoleDenied = "client-assume-role-denied", Refusal;
    /// Terminal: the AWS CLI has no credentials, or they have expired.
    ClientNoCredentials = "client-no-credentials", Fault;
    /// Console: "Your current user or role does not have access to Kubernetes objects".
    ClientConsoleNoAccess = "client-console-no-access", Refusal;
    /// The creator of the cluster was deleted.
    ClientCreatorDeleted = "client-creator-deleted", Fault;
    /// Terminal: `The connection to the server localhost:8080 was refused`.
    ClientNoKubeconfig = "client-no-kubeconfig", Fault;
    /// Terminal: `x509: …`.
    ClientX509 = "client-x509", Fault;
    /// Terminal: `i/o timeout`, or a name that can't be resolved.
    ClientTimeout = "client-timeout", Fault;
    /// Terminal: `Kubernetes configuration file is group-readable`.
    ClientKubeconfigReadable = "client-kubeconfig-readable", Other;
    /// Terminal: `getting credentials: exec: …`, or a wrong `client.authentication.k8s.io` version.
    ClientExecPlugin = "client-exec-plugin", Fault;
}

impl Symptom {
    /// Whether a person sees this in a terminal or console, rather than in a control-plane log.
    #[must_use]
    pub fn is_client(self) -> bool {
        self.slug().starts_with("client-")
    }
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// The text is no symptom's slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSymptom(pub String);

impl fmt::Display for UnknownSymptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no symptom; `eks-access causes` lists them",
            self.0
        )
    }
}

impl std::error::Error for UnknownSymptom {}

impl FromStr for Symptom {
    type Err = UnknownSymptom;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|symptom| symptom.slug() == text)
            .ok_or_else(|| UnknownSymptom(text.to_owned()))
    }
}

/// Takes `prefix` off the start, ASCII case ignored: the authenticator's wording drifted in case only (v0.7.7).
fn strip_prefix_ci<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))
        .flatten()
}

/// Takes `suffix` off the end, ASCII case ignored.
fn strip_suffix_ci<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    text.get(at..)?
        .eq_ignore_ascii_case(suffix)
        .then(|| text.get(..at))
        .flatten()
}
