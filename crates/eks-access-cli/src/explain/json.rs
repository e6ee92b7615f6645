//! One JSON object per line of input, in order. The schema is `docs/schemas/explain.v1.json`.

use std::collections::HashMap;
use std::io::{self, Write};

use eks_access::catalogue::Detail;
use eks_access::cluster::Cluster;
use eks_access::denial::{Identity, Seen};
use eks_access::diagnosis;
use eks_access::facts::Facts;
use eks_access::incident::{ClusterId, Digest, Question};
use eks_access::notice::{learned, machine};
use eks_access::symptom::Symptom;
use eks_access::text::LogText;
use serde_json::json;

use crate::inquiry::Inquiry;

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
    at: Option<i64>,
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
        (digest, cluster): (&Digest, ClusterId),
        inquiry: &Inquiry,
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
            self.answer(seen, (digest, cluster), inquiry)
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

    fn answer(
        &mut self,
        seen: &Seen,
        (digest, cluster): (&Digest, ClusterId),
        inquiry: &Inquiry,
    ) -> &Answer {
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
            // Whether an access entry has overtaken a denial depends on when the denial was.
            at: seen.at.filter(|_| inquiry.is_on()),
        };
        self.known
            .entry(case)
            .or_insert_with(|| diagnose(seen, (digest, cluster), inquiry))
    }
}

fn diagnose(seen: &Seen, (digest, cluster): (&Digest, ClusterId), inquiry: &Inquiry) -> Answer {
    let facts = facts(seen, digest.cluster(cluster), inquiry);
    let cluster = facts.cluster_as_known(&digest.judged_cluster(seen, cluster));
    let diagnosis = diagnosis::diagnose(seen, &cluster, &facts);
    let remedies = diagnosis.cause.map_or_else(Vec::new, |cause| {
        cause.remedies_for(&seen.case(&cluster, &facts))
    });
    let perhaps: Vec<&str> = diagnosis
        .perhaps
        .iter()
        .map(|possibility| possibility.cause.id)
        .collect();
    let learned = if inquiry.is_on() {
        format!(r#""facts":{},"#, learned::machine(&facts))
    } else {
        String::new()
    };
    let rest = format!(
        r#"{learned}"grantable":{},"perhaps":{},"remedies":{}}}"#,
        diagnosis.is_grantable,
        json!(perhaps),
        machine::remedies(&remedies)
    );
    Answer {
        cause: diagnosis.cause.map(|cause| cause.id),
        rest,
    }
}

fn facts(seen: &Seen, cluster: Cluster, inquiry: &Inquiry) -> Facts {
    if !inquiry.is_on() {
        return Facts::none();
    }
    let question = Question {
        cluster,
        symptom: seen.case_symptom(),
        principal: seen.principal.clone(),
    };
    let answers = inquiry.answers(vec![question]);
    let identity = seen.identity.as_ref();
    let caller_id = identity.and_then(Identity::bare_id).map(str::to_owned);
    Facts {
        caller_id,
        last_denied: seen.at,
        ..answers.into_values().next().unwrap_or_default()
    }
}
