//! The approver's API, asked with the caller's own credentials: API Gateway tells the approver whose they are.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_sts::config::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_http_client::default_connector;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use eks_access::cluster::Region;
use eks_access::text::LogText;
use serde_json::Value;
use tokio::time::timeout;

use super::CONNECT;
use super::refused::{Kind, Refused, chain};

/// What IAM calls it.
const ACTION: &str = "execute-api:Invoke";
/// One request: API Gateway itself waits for the approver for ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the API is: an HTTP API of API Gateway, or a stand-in on this very machine. What is asked says who asks, and goes
/// nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl {
    base: String,
    region: Option<Region>,
}

impl ApiUrl {
    /// The Region of the address, if it is one of AWS.
    #[must_use]
    pub fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl FromStr for ApiUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let base = text.strip_suffix('/').unwrap_or(text);
        let port = base.strip_prefix("http://127.0.0.1:");
        let is_here = port.is_some_and(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
        });
        let region = region_of(base);
        if is_here || region.is_some() {
            Ok(Self {
                base: base.to_owned(),
                region,
            })
        } else {
            Err(
                "it reads `https://ID.execute-api.REGION.amazonaws.com`, and is the stack's output `ApprovalsUrl`",
            )
        }
    }
}

fn region_of(base: &str) -> Option<Region> {
    let (id, rest) = base.strip_prefix("https://")?.split_once(".execute-api.")?;
    let (region, domain) = rest.split_once('.')?;
    let is_id = !id.is_empty()
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (is_id && matches!(domain, "amazonaws.com" | "amazonaws.com.cn"))
        .then(|| region.parse().ok())
        .flatten()
}

/// What the API answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, or null if it is no JSON: text of others.
    pub body: Value,
}

/// The API, and credentials to ask with.
pub struct Approvals {
    connector: SharedHttpConnector,
    url: ApiUrl,
    region: Region,
    identity: Identity,
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approvals")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Approvals {
    /// The API at this address, asked with the credentials of this configuration. `region` counts where the address has
    /// none.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn new(config: &SdkConfig, url: ApiUrl, region: &Region) -> Result<Self, Refused> {
        let none = |what: &str| Refused::without_credentials(what.to_owned());
        let provider = config
            .credentials_provider()
            .ok_or_else(|| none("nothing has any"))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| none(&chain(&error)))?;
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT)
            .read_timeout(PATIENCE)
            .build();
        let connector = default_connector(&settings, default_async_sleep());
        Ok(Self {
            connector: connector.ok_or_else(|| unreachable("this build has no HTTP client"))?,
            region: url.region().unwrap_or(region).clone(),
            url,
            identity: credentials.into(),
        })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn get(&self, path: &str) -> Result<Answer, Refused> {
        self.ask("GET", path, String::new()).await
    }

    /// Has something done.
    ///
    /// # Errors
    /// When no answer came. It may have been done all the same.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, Refused> {
        self.ask("POST", path, body.to_string()).await
    }

    async fn ask(&self, method: &str, path: &str, body: String) -> Result<Answer, Refused> {
        let request = self.signed(method, path, body).map_err(unreachable)?;
        let answered = async {
            let response = self.connector.call(request).await;
            let response = response.map_err(|error| chain(&error))?;
            let status = response.status().as_u16();
            let body = ByteStream::new(response.into_body()).collect().await;
            let body = body.map_err(|error| chain(&error))?.into_bytes();
            Ok::<_, String>(Answer {
                status,
                body: serde_json::from_slice(&body).unwrap_or_default(),
            })
        };
        let answered = timeout(PATIENCE, answered).await;
        let answered = answered.unwrap_or_else(|_| Err("no answer came in time".to_owned()));
        answered.map_err(|why| unreachable(&why))
    }

    /// The request, with a signature of version 4 over all of it.
    fn signed(&self, method: &str, path: &str, body: String) -> Result<HttpRequest, &'static str> {
        const WRONG: &str = "the request can't be signed";
        let target = format!("{}{path}", self.url);
        let mut headers = vec![("accept", "application/json")];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(self.region.as_str())
            .name("execute-api")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|_| WRONG)?;
        let signable = SignableRequest::new(
            method,
            target.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signature = sign(signable.map_err(|_| WRONG)?, &parameters.into());
        let (instructions, _) = signature.map_err(|_| WRONG)?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request
            .set_method(method)
            .and_then(|()| request.set_uri(target.as_str()))
            .map_err(|_| WRONG)?;
        let all = request.headers_mut();
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            all.insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

fn unreachable(why: &str) -> Refused {
    Refused {
        action: ACTION,
        kind: Kind::Unreachable,
        code: String::new(),
        message: LogText::new(why),
    }
}

#[cfg(test)]
mod tests {
    use super::ApiUrl;

    #[test]
    fn what_is_signed_goes_to_api_gateway_or_to_this_machine_only() {
        for (text, region) in [
            (
                "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
                Some("eu-west-1"),
            ),
            (
                "https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn/",
                Some("cn-north-1"),
            ),
            ("http://127.0.0.1:8080", None),
            ("http://127.0.0.1:8080/", None),
        ] {
            let url: ApiUrl = text.parse().unwrap();
            assert_eq!(
                url.region().map(eks_access::cluster::Region::as_str),
                region
            );
            assert_eq!(url.to_string(), text.trim_end_matches('/'));
        }
        for text in [
            "",
            "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "http://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com.evil.example",
            "https://evil.example/.execute-api.eu-west-1.amazonaws.com",
            "https://x@evil.execute-api.eu-west-1.amazonaws.com",
            "https://.execute-api.eu-west-1.amazonaws.com",
            "https://a1.execute-api.eu-west-1.amazonaws.com/prod",
            "https://a1.execute-api.eu west-1.amazonaws.com",
            "https://a1.execute-api.eu-west-1.amazonaws.com:8443",
            "http://127.0.0.1",
            "http://127.0.0.1:",
            "http://127.0.0.1:+80",
            "http://127.0.0.1:80/x",
            "http://127.0.0.1:80@evil.example",
            "http://localhost:8080",
            "http://169.254.169.254:80",
        ] {
            assert!(text.parse::<ApiUrl>().is_err(), "{text}");
        }
    }
}
