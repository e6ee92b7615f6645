//! All services behind one address, told apart by the service in the scope of the signature, so that one
//! `AWS_ENDPOINT_URL` serves a whole program.

use std::sync::Arc;

use crate::cloudtrail::CloudTrail;
use crate::cloudwatch::CloudWatch;
use crate::directory::Directory;
use crate::eks::Eks;
use crate::http::{Request, Response, Server};
use crate::iam::Iam;
use crate::logs::Logs;
use crate::record::Record;
use crate::sns::Sns;
use crate::sts::Sts;
use crate::wire::scope;

/// The access key that [`Aws::variables`] signs with.
pub const ACCESS_KEY: &str = "AKIAFAKEFAKEFAKEFAKE";

/// AWS in one region of one account.
pub struct Aws {
    /// Who there is.
    pub directory: Directory,
    /// What was asked of all services, in order.
    pub record: Record,
    /// Amazon EKS.
    pub eks: Eks,
    /// AWS IAM.
    pub iam: Iam,
    /// AWS STS.
    pub sts: Sts,
    /// Amazon `CloudWatch` Logs.
    pub logs: Logs,
    /// AWS `CloudTrail`.
    pub cloudtrail: CloudTrail,
    /// Amazon `CloudWatch`.
    pub cloudwatch: CloudWatch,
    /// Amazon SNS with one topic, [`Aws::topic`].
    pub sns: Arc<Sns>,
    /// The ARN of the topic `eks-access-notices`.
    pub topic: String,
    region: String,
    endpoint: String,
}

impl Aws {
    /// AWS in a region of the partition `aws`.
    pub fn start(region: &str, account: &str) -> Self {
        Self::start_in("aws", region, account)
    }

    /// AWS in a region of this partition.
    pub fn start_in(partition: &str, region: &str, account: &str) -> Self {
        let directory = Directory::new(partition, account);
        let record = Record::default();
        let topic = format!("arn:{partition}:sns:{region}:{account}:eks-access-notices");
        let eks = Eks::new(region, &directory, &record);
        let iam = Iam::new(region, &directory, &record);
        let sts = Sts::new(region, &directory, &record);
        let logs = Logs::new(region, &directory, &record);
        let cloudtrail = CloudTrail::new(region, &directory, &record);
        let cloudwatch = CloudWatch::new(region, &directory, &record);
        let sns = Arc::new(Sns::recording(&topic, &record));
        let server = {
            let (eks, iam, sts, logs) = (eks.clone(), iam.clone(), sts.clone(), logs.clone());
            let (cloudtrail, cloudwatch) = (cloudtrail.clone(), cloudwatch.clone());
            let (sns, record) = (Arc::clone(&sns), record.clone());
            Server::start(move |request: &Request| {
                let service = scope(request).map(|scope| scope.service);
                match service.as_deref() {
                    Some("eks") => eks.answer(request),
                    Some("iam") => iam.answer(request),
                    Some("sts") => sts.answer(request),
                    Some("logs") => logs.answer(request),
                    Some("cloudtrail") => cloudtrail.answer(request),
                    Some("monitoring") => cloudwatch.answer(request),
                    Some("sns") => sns.answer(request),
                    service => {
                        let service = service.unwrap_or("nobody");
                        record
                            .unknown(format!("{} {} for {service}", request.method, request.path));
                        Response::new(403, r#"{"message":"Missing Authentication Token"}"#)
                    }
                }
            })
        };
        Self {
            directory,
            record,
            eks,
            iam,
            sts,
            logs,
            cloudtrail,
            cloudwatch,
            sns,
            topic,
            region: region.to_owned(),
            endpoint: format!("http://{}", server.address()),
        }
    }

    /// The value of `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The environment of a program that signs with [`ACCESS_KEY`] and finds nothing else.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", &self.region),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Requests that nobody should have sent, or that no fake knows: empty at the end of a good test.
    pub fn complaints(&self) -> Vec<String> {
        let mut all = self.record.broken_rules();
        all.extend(self.record.unasked());
        all.extend(self.sns.broken_rules());
        all.extend(self.sns.unasked());
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ACCESS_KEY, Aws};
    use crate::http::{Request, ask};

    #[test]
    fn services_are_told_apart_by_the_scope_and_share_a_record() {
        let aws = Aws::start("eu-west-1", "111122223333");
        let post = |service: &str, path: &str, body: &str| {
            let request = Request {
                method: if body.is_empty() { "GET" } else { "POST" }.to_owned(),
                path: path.to_owned(),
                headers: vec![(
                    "authorization".to_owned(),
                    format!(
                        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260301/eu-west-1/{service}/aws4_request, \
                         SignedHeaders=host, Signature=0"
                    ),
                )],
                body: body.as_bytes().to_vec(),
            };
            let address = aws.endpoint().replace("http://", "");
            ask(&address, &request, Duration::from_secs(10))
                .unwrap()
                .status
        };
        assert_eq!(post("eks", "/clusters", ""), 200);
        let who = "Action=GetCallerIdentity&Version=2011-06-15";
        assert_eq!(post("sts", "/", who), 403);
        let alice = aws.directory.user("/", "alice");
        aws.directory.signs_with(ACCESS_KEY, &alice.arn, "");
        assert_eq!(post("sts", "/", who), 200);
        let topic = "Action=GetTopicAttributes&Version=2010-03-31&TopicArn=arn:aws:sns:eu-west-1:111122223333:none";
        assert_eq!(post("sns", "/", topic), 404);
        let asked: Vec<_> = aws
            .record
            .asked()
            .iter()
            .map(|asked| format!("{} {}", asked.action(), asked.outcome))
            .collect();
        assert_eq!(
            asked,
            [
                "eks:ListClusters ok",
                "sts:GetCallerIdentity InvalidClientTokenId",
                "sts:GetCallerIdentity ok",
                "sns:GetTopicAttributes NotFound",
            ]
        );
        assert_eq!(aws.complaints(), Vec::<String>::new());
        assert_eq!(post("s3", "/", ""), 403);
        assert_eq!(aws.complaints(), ["GET / for s3"]);
    }
}
