//! One JSON object per line of input, in order. The schema is `docs/schemas/explain.v1.json`.

use std::collections::HashMap;
use std::io::{self, Write};

use eks_access::catalogue::Detail;
use eks_access::denial::{Identity, Seen};
use eks_access::diagnosis;
use eks_access::facts::NO_FACTS;
use eks_access::incident::{ClusterId, Digest};
use eks_access::notice::machine;
use eks_access::symptom::Symptom;
use eks_access::text::LogText;
use serde_json::json;

/// The JSON Schema of one object, draft 2020-12.
pub(crate) const SCHEMA: &str = include_str!("../../../../docs/schemas/explain.v1.json");

/// Cases whose answer is kept, so that a storm of the same denial is diagnosed once.
const MAX_KNOWN: usize = 4096;
/// Characters of an ARN: IAM allows a path of 512 and a name of 64 behind the account.
const MAX_ARN: usize = 1024;
/// Characters of a session's name: IAM allows 64.
const MAX_SESSION: usize = 64;

/// Writes the objects.
#[derive(Default)]
pub(crate) struct Writer {
    known: HashMap<Case, Answer>,
}

/// What an answer depends on.
#[derive(PartialEq, Eq, Hash)]
struct Case {
    cluster: ClusterId,
    symptom: Symptom,
    detail: Detail,
    arn: Option<String>,
    is_aws_internal: bool,
    is_exact: bool,
}

/// The members of an object that a diagnosis gives.
struct Answer {
    cause: Option<&'static str>,
    /// `"grantable":…,"perhaps":…,"remedies":…`, written out.
    rest: String,
}

impl Writer {
    /// Writes the object of one line.
    pub(crate) fn write(
        &mut self,
        out: &mut impl Write,
        seen: &Seen,
        digest: &Digest,
        cluster: ClusterId,
    ) -> io::Result<()> {
        let number = digest.counts().lines;
        write!(
            out,
            r#"{{"n":{number},"stream":"{}","kind":"{}","symptom":"{}","#,
            seen.stream.slug(),
            seen.symptom.kind().slug(),
            seen.symptom.slug()
        )?;
        let principal = seen
            .principal
            .clone()
            .or_else(|| seen.arn.as_deref()?.parse().ok());
        let account = principal
            .as_ref()
            .map(|principal| principal.account().as_str());
        let session = seen
            .identity
            .as_ref()
            .and_then(|identity: &Identity| identity.session.as_ref());
        let session = session.map(|session| session.shown(MAX_SESSION));
        let nothing = Answer {
            cause: None,
            rest: r#""grantable":false,"perhaps":[],"remedies":[]}"#.to_owned(),
        };
        let answer = if seen.needs_explaining() {
            self.answer(seen, digest, cluster)
        } else {
            &nothing
        };
        out.write_all(br#""cause":"#)?;
        serde_json::to_writer(&mut *out, &answer.cause)?;
        out.write_all(br#","principal":"#)?;
        let arn = seen
            .arn
            .as_deref()
            .map(|arn| LogText::new(arn).shown(MAX_ARN));
        serde_json::to_writer(&mut *out, &arn)?;
        out.write_all(br#","account":"#)?;
        serde_json::to_writer(&mut *out, &account)?;
        out.write_all(br#","session":"#)?;
        serde_json::to_writer(&mut *out, &session)?;
        out.write_all(b",")?;
        out.write_all(answer.rest.as_bytes())?;
        out.write_all(b"\n")
    }

    fn answer(&mut self, seen: &Seen, digest: &Digest, cluster: ClusterId) -> &Answer {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let case = Case {
            cluster,
            symptom: seen.case_symptom(),
            detail: seen.detail,
            arn: seen.arn.clone(),
            is_aws_internal: seen.is_aws_internal_session(),
            is_exact: seen.is_exact,
        };
        self.known
            .entry(case)
            .or_insert_with(|| diagnose(seen, digest, cluster))
    }
}

fn diagnose(seen: &Seen, digest: &Digest, cluster: ClusterId) -> Answer {
    let cluster = digest.judged_cluster(seen, cluster);
    let diagnosis = diagnosis::diagnose(seen, &cluster, &NO_FACTS);
    let remedies = diagnosis.cause.map_or_else(Vec::new, |cause| {
        cause.remedies_for(&seen.case(&cluster, &NO_FACTS))
    });
    let perhaps: Vec<&str> = diagnosis
        .perhaps
        .iter()
        .map(|possibility| possibility.cause.id)
        .collect();
    let rest = format!(
        r#""grantable":{},"perhaps":{},"remedies":{}}}"#,
        diagnosis.is_grantable,
        json!(perhaps),
        machine::remedies(&remedies)
    );
    Answer {
        cause: diagnosis.cause.map(|cause| cause.id),
        rest,
    }
}
