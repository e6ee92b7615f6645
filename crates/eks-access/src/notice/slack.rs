//! The notice as a card in Slack: one message that is edited as the incident goes on, and short replies in its thread.
//!
//! Markup (`mrkdwn`) holds only words of ours, numbers, and names that were parsed. Log text and commands stand in
//! preformatted rich text, which Slack shows as it is: no markup, no mention and no link can come of it
//! (`@slack/types` 3.2, `RichTextPreformatted`).

use serde_json::{Value, json};

use super::{Notice, Standing, learned, plural};
use crate::catalogue::Tier;
use crate::incident::Subject;
use crate::remedy::{Remedy, Step};
use crate::route::{Channel, Mention};
use crate::symptom::{Actor, Severity};
use crate::text::shorten;
use crate::timestamp;

pub(super) mod blocks;

use blocks::{
    code, context, escaped, fields, header, marked, paragraph, preformatted, rich, section,
};

/// Characters of a message's text outside its blocks, which notifications and screen readers take.
const TEXT: usize = 300;
/// Characters of a plain message, for when Slack takes no blocks.
const PLAIN: usize = 2500;
/// Characters of one field.
const FIELD: usize = 290;
/// Characters of all that was found out.
const EVIDENCE: usize = 1800;
/// Characters of one line of it.
const EVIDENCE_LINE: usize = 300;
/// Remedies that a card shows.
const REMEDIES: usize = 3;
/// Characters of all of their commands.
const COMMANDS: usize = 2400;
/// Other causes that a card names.
const PERHAPS: usize = 3;
/// How the field with the counts begins.
const SEEN: &str = "*Seen*";
/// Columns of a command in a card.
const COLUMNS: usize = 78;

/// A message for Slack, without the place it goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// What stands for it where blocks do not show.
    pub text: String,
    /// Its blocks; none for a plain message.
    pub blocks: Vec<Value>,
}

impl Card {
    pub(crate) fn new(text: &str, blocks: Vec<Value>) -> Self {
        Self {
            text: escaped(text, TEXT),
            blocks,
        }
    }

    /// The arguments of `chat.postMessage` and `chat.update`, without a channel.
    #[must_use]
    pub fn message(&self) -> Value {
        let mut message = json!({
            "text": self.text,
            "parse": "none",
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let Some(fields) = message.as_object_mut().filter(|_| !self.blocks.is_empty()) {
            fields.insert("blocks".to_owned(), Value::Array(self.blocks.clone()));
        }
        message
    }

    /// The arguments of `chat.postMessage` in this channel.
    #[must_use]
    pub fn in_channel(&self, channel: &Channel) -> Value {
        let mut message = self.message();
        if let Some(fields) = message.as_object_mut() {
            fields.insert("channel".to_owned(), channel.as_str().into());
        }
        message
    }

    /// The same without blocks, so that Slack takes it whatever it thinks of them.
    #[must_use]
    pub fn plain(&self, words: &str) -> Self {
        Self {
            text: escaped(words, PLAIN),
            blocks: Vec::new(),
        }
    }
}

/// The card. Whoever is to be called is named above it.
#[must_use]
pub fn card(notice: &Notice, mentions: &[Mention]) -> Card {
    let headline = format!("{} {}", symbol(notice), headline(notice));
    let mut blocks = vec![header(&headline)];
    if !mentions.is_empty() {
        let called: Vec<String> = mentions.iter().map(Mention::markup).collect();
        blocks.push(section(marked(&called.join(" "))));
    }
    blocks.push(section(paragraph(&summary(notice))));
    let mut facts = vec![who(notice), place(notice), seen(notice)];
    facts.extend(standing(notice));
    blocks.push(fields(&facts));
    let evidence = evidence(notice);
    if !evidence.is_empty() {
        blocks.push(rich(vec![preformatted(&evidence)]));
    }
    let steps = what_to_do(notice);
    if !steps.is_empty() {
        blocks.push(rich(steps));
    }
    blocks.push(context(&footer(notice)));
    Card::new(&headline, blocks)
}

/// A card that was sent, with the headline and the counts of now: all else was known better when it was made, with its lines
/// at hand.
#[must_use]
pub fn recounted(card: &Value, notice: &Notice) -> Value {
    let mut card = card.clone();
    let headline = format!("{} {}", symbol(notice), headline(notice));
    let blocks = card.get_mut("blocks").and_then(Value::as_array_mut);
    for block in blocks.into_iter().flatten() {
        if block.get("type") == Some(&Value::from("header")) {
            *block = header(&headline);
        }
        let fields = block.get_mut("fields").and_then(Value::as_array_mut);
        for field in fields.into_iter().flatten() {
            let text = field
                .get("text")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if text.starts_with(SEEN) {
                *field = marked(&seen(notice));
            }
        }
    }
    if let Some(text) = card.get_mut("text") {
        *text = Card::new(&headline, Vec::new()).text.into();
    }
    card
}

/// What is new, for the thread of the card.
#[must_use]
pub fn reply(notice: &Notice) -> Card {
    let words = match notice.standing {
        Standing::First => notice.cause.summary.to_owned(),
        Standing::Repeat { new } => format!(
            "It goes on: at least {new} more {} since the last message here, {} in all.",
            plural(usize::try_from(new).unwrap_or(usize::MAX), "line"),
            notice.count
        ),
        Standing::Learned => format!(
            "The cause is known by now: {}. {} The card above says what to do.",
            notice.cause.title, notice.cause.summary
        ),
        Standing::Relapsed => {
            "It was resolved, and the same principal is refused again.".to_owned()
        }
        Standing::Resolved { .. } => format!("Resolved. {}", notice.summary()),
    };
    let when = match notice.standing {
        Standing::Resolved { at } => Some(at),
        _ => notice.last_seen,
    };
    let mut blocks = vec![section(paragraph(&words))];
    if let Some(when) = when {
        blocks.push(section(marked(&format!("*When:* {}", local_time(when)))));
    }
    Card::new(&format!("{}: {words}", notice.cluster.title()), blocks)
}

/// A message to the person who was refused: why, and what they can do about it themselves.
#[must_use]
pub fn to_the_person(notice: &Notice) -> Card {
    let headline = format!("Kubernetes refused you: {}", notice.headline());
    let mut blocks = vec![
        header(&headline),
        section(paragraph(&notice.summary())),
        fields(&[who(notice), place(notice)]),
    ];
    let steps = what_to_do(notice);
    if notice.cause.actor == Actor::Caller && !steps.is_empty() {
        blocks.push(rich(steps));
    } else {
        let words = format!(
            "This is for {} to mend. They were told; you need not do anything but wait or ask them.",
            notice.cause.actor.title()
        );
        blocks.push(section(paragraph(&words)));
    }
    blocks.push(context(&format!(
        "More: eks-access cause {}",
        notice.cause.id
    )));
    Card::new(&headline, blocks)
}

/// What a message says when Slack takes none of its blocks.
#[must_use]
pub fn words(notice: &Notice) -> String {
    format!(
        "{}\n{}\nWho: {}\nSeen: at least {}\nMore: eks-access cause {}",
        notice.headline(),
        notice.cause.summary,
        notice.who(),
        notice.when(),
        notice.cause.id
    )
}

fn symbol(notice: &Notice) -> &'static str {
    match (notice.standing, notice.severity) {
        (Standing::Resolved { .. }, _) => "\u{2705}",
        (_, Severity::Critical | Severity::High) => "\u{1F534}",
        (_, Severity::Medium) => "\u{1F7E0}",
        (_, Severity::Low | Severity::Info) => "\u{1F535}",
    }
}

/// What, where and who, in a line that a phone can show.
fn headline(notice: &Notice) -> String {
    match &notice.subject {
        Subject::Principal(principal) if !notice.cluster.is_self_test() => {
            format!("{} ({})", notice.headline(), principal.resource())
        }
        _ => notice.headline(),
    }
}

/// What is wrong, to the person who called, and what else it could be.
fn summary(notice: &Notice) -> String {
    if notice.standing.resolved_at().is_some() || notice.cluster.is_self_test() {
        return notice.summary();
    }
    let others: Vec<&str> = notice
        .perhaps
        .iter()
        .take(PERHAPS)
        .map(|possibility| possibility.cause.title)
        .collect();
    let more = if notice.perhaps.len() > PERHAPS {
        "; or others"
    } else {
        ""
    };
    let confidence = match (notice.cause.tier, others.is_empty()) {
        // Without a line at hand nothing is said of what it shows.
        (_, true) if notice.evidence.event_id.is_empty() && notice.evidence.text.is_none() => {
            String::new()
        }
        (Tier::Specific, _) => "The line, EKS and IAM leave no other cause.".to_owned(),
        (Tier::General, true) => "The line says so in its own words.".to_owned(),
        (Tier::General, false) => format!("It could also be: {}{more}.", others.join("; ")),
    };
    format!("To the caller: {} {confidence}", notice.summary())
        .trim_end()
        .to_owned()
}

fn who(notice: &Notice) -> String {
    let Subject::Principal(principal) = &notice.subject else {
        let mut text = format!("*Who*\n{}", notice.who());
        for principal in notice.named_principals() {
            let name = code(&principal.to_string());
            if text.chars().count() + name.chars().count() < FIELD {
                text.push('\n');
                text.push_str(&name);
            }
        }
        return text;
    };
    let name = shorten(&principal.to_string(), FIELD - 10);
    format!("*Who*\n{}", code(&name))
}

fn place(notice: &Notice) -> String {
    let cluster = &notice.cluster;
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let mode = cluster.mode.map_or_else(String::new, |mode| {
        format!(", authentication mode {}", mode.as_str())
    });
    format!(
        "*Cluster*\n{}, account {}, {}{mode}",
        code(cluster.title()),
        known(cluster.account.as_ref().map(ToString::to_string)),
        known(cluster.region.as_ref().map(ToString::to_string)),
    )
}

fn seen(notice: &Notice) -> String {
    let count = usize::try_from(notice.count).unwrap_or(usize::MAX);
    let lines = format!(
        "{SEEN}\nat least {} {}",
        notice.count,
        plural(count, "line")
    );
    match (notice.first_seen, notice.last_seen) {
        (Some(first), Some(last)) if first / 1000 != last / 1000 => {
            format!("{lines}, {} to {}", local_time(first), local_time(last))
        }
        (Some(at), _) | (None, Some(at)) => format!("{lines}, {}", local_time(at)),
        (None, None) => lines,
    }
}

fn standing(notice: &Notice) -> Vec<String> {
    match notice.standing {
        Standing::Resolved { at } => vec![format!("*Resolved*\n{}", local_time(at))],
        _ => vec![
            format!("*Severity*\n{}", notice.severity.slug()),
            format!("*Who can act*\n{}", notice.cause.actor.title()),
        ],
    }
}

/// A time that each reader sees in their own zone; UTC where it can't be shown so.
pub(super) fn local_time(milliseconds: i64) -> String {
    format!(
        "<!date^{}^{{date_short_pretty}} {{time_secs}}|{}>",
        milliseconds.div_euclid(1000),
        timestamp::rfc3339(milliseconds)
    )
}

/// What was found out, as literal text.
fn evidence(notice: &Notice) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let sessions = notice.shown_sessions();
    lines.extend(sessions.into_iter().map(|session| ("session", session)));
    lines.extend(learned::learned(notice.facts()));
    let unknown = learned::unanswered(notice.facts());
    lines.extend(unknown.into_iter().map(|text| ("unknown", text)));
    lines.extend(notice.shown_error().map(|error| ("log says", error)));
    if !notice.evidence.event_id.is_empty() {
        let id = crate::text::LogText::new(&notice.evidence.event_id).shown(64);
        lines.push(("event", id));
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(label, text)| shorten(&format!("{label:<9} {text}"), EVIDENCE_LINE))
        .collect();
    shorten(&lines.join("\n"), EVIDENCE)
}

/// The first remedies with their commands, as literal text.
fn what_to_do(notice: &Notice) -> Vec<Value> {
    let remedies = notice.remedies();
    let mut elements = Vec::new();
    let mut room = COMMANDS;
    for (number, remedy) in remedies.iter().take(REMEDIES).enumerate() {
        elements.push(blocks::line(&title(number + 1, remedy, notice)));
        let commands = commands(remedy);
        let length = commands.chars().count();
        if length > 0 && length <= room {
            room -= length;
            elements.push(preformatted(&commands));
        } else if length > 0 {
            elements.push(blocks::line(
                "   (too long for a card; the mail and the command have it)",
            ));
        }
    }
    let more = remedies.len().saturating_sub(REMEDIES);
    if more > 0 {
        elements.push(blocks::line(&format!(
            "{more} more in the mail, and with eks-access explain --all"
        )));
    }
    elements
}

/// What to do; by whom, where it is not who can act anyway; and in which mode, where the cluster's is not known.
fn title(number: usize, remedy: &Remedy, notice: &Notice) -> String {
    let mut limits = Vec::new();
    if remedy.actor != notice.cause.actor {
        limits.push(remedy.actor.title().to_owned());
    }
    let modes: Vec<&str> = remedy
        .modes
        .list()
        .iter()
        .map(|mode| mode.as_str())
        .collect();
    if notice.cluster.mode.is_none() && !modes.is_empty() {
        limits.push(format!("authentication mode {}", modes.join(" or ")));
    }
    if limits.is_empty() {
        format!("{number}. {}", remedy.title)
    } else {
        format!("{number}. {} ({})", remedy.title, limits.join("; "))
    }
}

fn commands(remedy: &Remedy) -> String {
    let steps: Vec<String> = remedy
        .steps
        .iter()
        .map(|step| match step {
            Step::Command(_, command) => command.wrapped(COLUMNS),
            Step::Snippet(_, text) => text.clone(),
        })
        .collect();
    steps.join("\n\n")
}

fn footer(notice: &Notice) -> String {
    let (id, cause) = (notice.id(), notice.cause.id);
    let id = id.short();
    format!(
        "Incident {id}. More: eks-access cause {cause}. Silence: eks-access mute {id} --for 8h --table TABLE"
    )
}
