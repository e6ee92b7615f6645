//! `explain`: lines in, answers out.

use std::io::{self, BufWriter, Write};

use eks_access::cluster::{Cluster, Region};
use eks_access::denial::Seen;
use eks_access::incident::{Answers, ClusterId, Digest, Outcome, Place, Settings};
use eks_access::line::{Line, Stream, granted_arn, read_pasted};
use eks_access::notice::{Notice, chat, email, slack, terminal};
use eks_access::symptom::{Kind, Symptom};
use serde_json::Value;

use crate::args::{Explain, Format, Render};
use crate::input::{self, Granted, Item};
use crate::inquiry::Inquiry;
use crate::live::Live;
use crate::output::{Error, Found, Progress, columns, grouped, has_colour};

mod json;

/// Incidents that AWS is asked about.
const MAX_QUESTIONS: usize = 500;

/// Runs the command.
pub(crate) fn run(options: &Explain) -> Result<Found, Error> {
    let mut out = BufWriter::with_capacity(1 << 18, io::stdout().lock());
    if options.format == Format::Schema {
        out.write_all(json::SCHEMA.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Error::Output)?;
        return Ok(Found::Nothing);
    }
    let live = options
        .live
        .then(|| {
            let region = options.about.region.as_ref().map(Region::as_str);
            Live::start(options.profile.as_deref(), region)
        })
        .transpose()?;
    let mut reader = Reader::new(options, live.as_ref());
    let inquiry = Inquiry::new(live, options.aws_auth.as_deref())?;
    let mut progress = Progress::new();
    let mut writer = (options.format == Format::Json).then(json::Writer::default);
    let is_plain_log = options
        .stream
        .is_none_or(|stream| Stream::from(stream) == Stream::Authenticator);
    let granted = if writer.is_none() && is_plain_log {
        Granted::Counted
    } else {
        Granted::WithText
    };
    let result = input::read_all(&options.files, granted, &mut |item| {
        let counts = reader.digest.counts();
        if counts.lines.is_multiple_of(4096) {
            progress.at(counts.lines, counts.problems());
        }
        if item.is_granted {
            reader.digest.granted();
            return Ok(());
        }
        let (mut seen, cluster) = reader.read(item);
        if let Some(writer) = &mut writer {
            if seen.symptom == Symptom::AccessGranted && seen.arn.is_none() {
                seen.arn = granted_arn(item.text);
            }
            writer
                .write(&mut out, &seen, (&reader.digest, cluster), &inquiry)
                .map_err(Error::Output)?;
        }
        Ok(())
    });
    progress.done();
    // What was read is told even when the rest can't be.
    let answers = if writer.is_none() && inquiry.is_on() {
        inquiry.answers(reader.digest.questions(MAX_QUESTIONS))
    } else {
        Answers::new()
    };
    let outcome = reader.digest.finish_with(&answers);
    if writer.is_none() && (result.is_ok() || outcome.counts.lines > 0) {
        print(&mut out, &outcome, options).map_err(Error::Output)?;
    }
    out.flush().map_err(Error::Output)?;
    result?;
    Ok(if outcome.counts.problems() > 0 {
        Found::Denials
    } else {
        Found::Nothing
    })
}

/// Reads items as what they are said to be, or look like.
struct Reader {
    digest: Digest,
    settings: Settings,
    stream: Option<Stream>,
    /// The cluster of the last item, by its log group and owner.
    last: Option<(String, String, ClusterId)>,
}

impl Reader {
    fn new(options: &Explain, live: Option<&Live>) -> Self {
        let told = options.about.cluster();
        let asked = live.and_then(|live| live.region().parse().ok());
        let settings = Settings {
            cluster: Cluster {
                region: told.region.or(asked),
                ..told
            },
            tells_overtaken: true,
            ..Settings::default()
        };
        Self {
            digest: Digest::new(settings.clone()),
            settings,
            stream: options.stream.map(Stream::from),
            last: None,
        }
    }

    fn read(&mut self, item: Item<'_>) -> (Seen, ClusterId) {
        let stream = self.stream.or(item.stream);
        let line = if item.is_cut {
            Line::truncated()
        } else {
            read_pasted(item.text, stream)
        };
        let cluster = self.cluster(item.log_group, item.owner);
        let place = Place {
            log_group: item.log_group,
            log_stream: item.log_stream,
            event_id: item.event_id,
            timestamp: item.timestamp,
        };
        (self.digest.line(line, cluster, place), cluster)
    }

    fn cluster(&mut self, log_group: &str, owner: &str) -> ClusterId {
        if let Some((group, known_owner, id)) = &self.last
            && group == log_group
            && known_owner == owner
        {
            return *id;
        }
        let id = self
            .digest
            .cluster_id(self.settings.cluster_of(log_group, owner));
        self.last = Some((log_group.to_owned(), owner.to_owned(), id));
        id
    }
}

fn print(out: &mut impl Write, outcome: &Outcome, options: &Explain) -> io::Result<()> {
    let style = style(options);
    let Some(render) = options.render else {
        return print_text(out, outcome, &style);
    };
    for notice in &outcome.notices {
        match render {
            Render::Text => writeln!(out, "{}", terminal::render(notice, &style))?,
            Render::Email => writeln!(
                out,
                "Subject: {}\n\n{}",
                email::subject(notice),
                email::render(notice)
            )?,
            Render::Chat => write_json(out, &chat::render(notice))?,
            Render::Sns => write_json(out, &sns(notice))?,
            Render::Slack => write_json(out, &slack::card(notice, &[]).message())?,
        }
    }
    Ok(())
}

fn write_json(out: &mut impl Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// The parameters of the publish, as the SNS API names them; the texts by protocol are unfolded to be read.
fn sns(notice: &Notice) -> Value {
    let message = notice.sns();
    let texts: Value = serde_json::from_str(&message.message).unwrap_or(Value::Null);
    let attributes: Value = message
        .attributes
        .iter()
        .map(|(name, value)| {
            (
                name.clone().into_owned(),
                serde_json::json!({"DataType": "String", "StringValue": value}),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    serde_json::json!({
        "Subject": message.subject,
        "MessageStructure": "json",
        "MessageAttributes": attributes,
        "Message": texts,
    })
}

fn style(options: &Explain) -> terminal::Style {
    terminal::Style {
        columns: columns(),
        has_colour: has_colour(options.color),
        is_complete: options.all || options.render.is_some(),
    }
}

fn print_text(out: &mut impl Write, outcome: &Outcome, style: &terminal::Style) -> io::Result<()> {
    for notice in &outcome.notices {
        writeln!(out, "{}", terminal::render(notice, style))?;
    }
    writeln!(out, "{}", summary(outcome))?;
    for hint in hints(outcome) {
        writeln!(out, "{hint}")?;
    }
    Ok(())
}

/// One line of counts: nothing that was read is left out.
fn summary(outcome: &Outcome) -> String {
    let counts = &outcome.counts;
    let lines = if counts.lines == 1 { "line" } else { "lines" };
    let mut parts = vec![format!("{} {lines}", grouped(counts.lines))];
    let mut add = |count: u64, one: &str, many: &str| {
        if count > 0 {
            parts.push(format!(
                "{} {}",
                grouped(count),
                if count == 1 { one } else { many }
            ));
        }
    };
    add(counts.of_kind(Kind::Denial), "denied", "denied");
    add(counts.of_kind(Kind::Refusal), "refused", "refused");
    add(counts.of_kind(Kind::Fault), "fault", "faults");
    let internal = "of them AWS' own callers (nothing to do)";
    add(counts.aws_internal, internal, internal);
    let untold = "of them beyond the incidents told apart here";
    add(counts.untold, untold, untold);
    add(counts.of_kind(Kind::Granted), "granted", "granted");
    add(counts.of_kind(Kind::Identity), "identity", "identities");
    add(counts.of_kind(Kind::Other), "other", "other");
    add(counts.of_kind(Kind::Unreadable), "unreadable", "unreadable");
    let incidents = match outcome.notices.len() {
        0 => String::new(),
        1 => "; 1 incident".to_owned(),
        count => format!("; {} incidents", grouped(count as u64)),
    };
    format!("{}{incidents}.", parts.join(", "))
}

/// What to do next when there is no answer, or a better one is near.
fn hints(outcome: &Outcome) -> Vec<String> {
    let counts = &outcome.counts;
    let mut hints = Vec::new();
    let read = counts.lines - counts.of_kind(Kind::Unreadable);
    if counts.lines == 0 {
        hints.push(
            "No line came in. Did the command before the pipe fail, or is its time too short?"
                .to_owned(),
        );
    } else if read == counts.of_kind(Kind::Other) && counts.of_kind(Kind::Unreadable) > 0 {
        hints.push(
            "None of these lines is one of an authenticator's log or a terminal that is known here, so this says \
             nothing of refusals."
                .to_owned(),
        );
    } else if counts.problems() == 0 {
        hints.push(
            "Nothing was refused in these lines. If kubectl is refused all the same, is the authenticator log on, and \
             is this the right time and cluster?"
                .to_owned(),
        );
    }
    let is_cluster_unknown = outcome
        .notices
        .iter()
        .any(|notice| notice.cluster.name.is_none() || notice.cluster.region.is_none());
    if is_cluster_unknown && !outcome.notices.is_empty() {
        hints.push("Name the cluster for commands to copy: --cluster NAME --region REGION [--account ID] [--mode MODE]".to_owned());
    }
    if counts.of(Symptom::UnknownDenial) > 0 {
        hints.push("A denial in words that no known release uses: see `eks-access cause denial-not-recognised`.".to_owned());
    }
    hints
}
