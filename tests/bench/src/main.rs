//! `make bench`: the release build of the responder against its targets, on this machine.
//!
//! AWS is a server on loopback over plain HTTP, so no network and no TLS handshake is in the numbers. Root certificates
//! are read at start all the same, as on Lambda: from one bundle, which is how Amazon Linux keeps them. Debian keeps
//! them in some 150 files besides; what that costs is a line of its own, without a target.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a program for people to run by hand and in CI, which stops when it can't measure"
)]

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use fakes::delivery::{self, Bomb, Delivery};
use fakes::directory::{Directory, Principal};
use fakes::eks::{Cluster, Eks};
use fakes::iam::Iam;
use fakes::lambda::Answer;
use fakes::lines;
use fakes::process::{Function, PATIENCE};
use fakes::record::Asked;
use fakes::sns::Sns;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:eks-access";
/// Fresh processes for a start-up time.
const STARTS: usize = 41;
/// Invocations of one warm process for a handling time.
const INVOCATIONS: usize = 31;
/// Invocations whose facts are known, enough for a 99th percentile.
const WARM: usize = 201;
/// How long EKS and IAM take for an answer.
const ANSWER: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let here = std::env::current_exe().expect("the path of this program");
    let binaries = here.parent().expect("a directory with the other binaries");
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build, whose numbers mean nothing; run `make bench`");
        return ExitCode::FAILURE;
    }
    let (hello, responder) = (binaries.join("hello"), binaries.join("responder"));
    for binary in [&hello, &responder] {
        assert!(
            binary.is_file(),
            "{} is not built; run `make bench`",
            binary.display()
        );
    }
    println!("{}\n", machine());
    println!("| what | median | spread (p10 to p90) | runs | target | |");
    println!("|---|---:|---:|---:|---:|---|");
    let mut met = true;
    for row in start_up(&hello, &responder)
        .into_iter()
        .chain(handling(&responder))
        .chain(facts(&responder))
        .chain(memory(&responder))
    {
        met &= row.met();
        println!("{row}");
    }
    let size = zipped(&responder);
    met &= size.met();
    println!("{size}");
    if met {
        ExitCode::SUCCESS
    } else {
        println!("\na target was missed");
        ExitCode::FAILURE
    }
}

/// One line of the table.
struct Row {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
    target: Option<f64>,
}

impl Row {
    fn new(
        what: impl Into<String>,
        unit: &'static str,
        mut values: Vec<f64>,
        target: Option<f64>,
    ) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            what: what.into(),
            unit,
            values,
            target,
        }
    }

    /// The value below which `percent` of the runs are.
    fn at(&self, percent: usize) -> f64 {
        let index = (self.values.len() - 1) * percent / 100;
        self.values.get(index).copied().expect("a row has values")
    }

    fn met(&self) -> bool {
        self.target.is_none_or(|target| self.at(50) < target)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            unit,
            values,
            target,
        } = self;
        let target = target.map_or_else(String::new, |target| format!("< {target:.2} {unit}"));
        let verdict = if self.met() { "" } else { "**missed**" };
        let (median, low, high) = (self.at(50), self.at(10), self.at(90));
        write!(
            f,
            "| {what} | {median:.2} {unit} | {low:.2} to {high:.2} | {} | {target} | {verdict} |",
            values.len()
        )
    }
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{cores} cores of {model}, load {load} at the start")
}

/// The machine's root certificates in one file.
fn bundle() -> String {
    const PLACES: [&str; 3] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ];
    let found = PLACES
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .map(str::to_owned);
    std::env::var("SSL_CERT_FILE")
        .ok()
        .or(found)
        .expect("root certificates; install ca-certificates")
}

/// Starts the responder with all it needs, and SNS at `endpoint`.
fn start(binary: &Path, endpoint: &str) -> Function {
    start_with(binary, endpoint, &[("SSL_CERT_FILE", &bundle())])
}

fn start_with(binary: &Path, endpoint: &str, more: &[(&str, &str)]) -> Function {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("TOPIC_ARN", TOPIC),
    ];
    variables.extend(more);
    Function::start(binary, &variables)
}

/// From `exec` to the first question for an event, clients built. They take turns, so that all meet the same noise.
fn start_up(hello: &Path, responder: &Path) -> Vec<Row> {
    let sns = Sns::start(TOPIC);
    let once = |function: Function| {
        let took = milliseconds(function.init());
        function.stop();
        took
    };
    let (mut of_hello, mut with_bundle, mut with_files) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        of_hello.push(once(start(hello, &sns.endpoint())));
        with_bundle.push(once(start(responder, &sns.endpoint())));
        with_files.push(once(start_with(responder, &sns.endpoint(), &[])));
    }
    let of_hello = Row::new("start of a hello-world function", "ms", of_hello, None);
    let target = of_hello.at(50) * 3.5;
    vec![
        of_hello,
        Row::new(
            "start of the responder (target: 3.5 × hello)",
            "ms",
            with_bundle,
            Some(target),
        ),
        Row::new(
            "the same, certificates as this machine keeps them",
            "ms",
            with_files,
            None,
        ),
    ]
}

/// From the event's first byte to the answer's last, in a warm process. The target is about reading: base64, gunzip,
/// checksum, JSON and the symptom of every line; publishing each notice takes its own time, and AWS' network more.
fn handling(responder: &Path) -> Vec<Row> {
    let cases = [
        ("one denied line", 1, "50", None),
        ("1,000 mixed lines", 1000, "50", None),
        ("1 MB, 20,000 mixed lines", 20_000, "50", None),
        ("1 MB, 20,000 mixed lines", 20_000, "1", Some(15.0)),
    ];
    cases
        .into_iter()
        .map(|(what, count, max_notices, target)| {
            let event = Delivery::of("prod-eu").lines(lines::mix(count)).event();
            let sns = Sns::start(TOPIC);
            let variables = [
                ("SSL_CERT_FILE", &*bundle()),
                ("MAX_NOTICES", max_notices),
                ("FACTS", "off"),
            ];
            let function = start_with(responder, &sns.endpoint(), &variables);
            function.init();
            handle(&function, &event);
            let values = (0..INVOCATIONS)
                .map(|_| handle(&function, &event))
                .collect();
            let notices = sns.published().len() / (INVOCATIONS + 1);
            function.stop();
            let what = format!("{what}: {} kB in, {notices} published", event.len() / 1000);
            Row::new(what, "ms", values, target)
        })
        .collect()
}

/// What facts add to an invocation: 50 principals that were refused, with EKS and IAM that answer after some time, once
/// with nothing known and then with everything in the cache.
fn facts(responder: &Path) -> Vec<Row> {
    let directory = Directory::new("aws", "111122223333");
    let (eks, of_eks) = Eks::start("eu-west-1", &directory);
    let (iam, of_iam) = Iam::start("eu-west-1", &directory);
    eks.cluster(Cluster::new("prod-eu").mode("API"));
    let role = |number| {
        directory
            .add(Principal::role("/", &format!("team-{number}")))
            .arn
    };
    let refused = (0..50).map(|number| lines::not_mapped(&role(number), 4000));
    let event = Delivery::of("prod-eu").lines(refused).event();
    let slow = |_: &Asked| fakes::record::Answer::Slow(ANSWER);
    eks.plan(slow);
    iam.plan(slow);
    let sns = Sns::start(TOPIC);
    let with = |facts: &str| {
        let variables = [
            ("SSL_CERT_FILE", &*bundle()),
            ("AWS_ENDPOINT_URL_EKS", &of_eks),
            ("AWS_ENDPOINT_URL_IAM", &of_iam),
            ("MAX_NOTICES", "50"),
            ("FACTS", facts),
        ];
        let function = start_with(responder, &sns.endpoint(), &variables);
        function.init();
        let first = handle(&function, &event);
        let warm: Vec<f64> = (0..WARM).map(|_| handle(&function, &event)).collect();
        function.stop();
        (first, Row::new("", "ms", warm, None))
    };
    let (_, without) = with("off");
    let (cold, warm) = with("on");
    let added = warm.at(99) - without.at(99);
    vec![
        Row::new(
            "50 principals, facts unknown so far (each answer takes 20 ms)",
            "ms",
            vec![cold],
            Some(5000.0),
        ),
        Row::new(
            "p99 that facts add, all of them in the cache",
            "ms",
            vec![added],
            Some(5.0),
        ),
    ]
}

fn handle(function: &Function, event: &[u8]) -> f64 {
    let (answer, took) = function.invoke_within(event, PATIENCE);
    assert_eq!(answer, Answer::Response("null".to_owned()));
    milliseconds(took)
}

/// The most memory a process ever held that has handled one such event, thrice.
fn memory(responder: &Path) -> Vec<Row> {
    let storm = |count: u16| {
        let line = |number| {
            lines::not_mapped(
                &format!("arn:aws:iam::111122223333:role/team-{number}"),
                4000,
            )
        };
        Delivery::of("prod-eu").lines((0..count).map(line))
    };
    let mut cases = vec![
        (
            "one denied line".to_owned(),
            Delivery::of("prod-eu").lines(lines::mix(1)).event(),
        ),
        (
            "1 MB, 20,000 mixed lines".to_owned(),
            Delivery::of("prod-eu").lines(lines::mix(20_000)).event(),
        ),
        (
            "6 MB, 120,000 mixed lines".to_owned(),
            Delivery::of("prod-eu").lines(lines::mix(120_000)).event(),
        ),
        (
            "20,000 different principals refused".to_owned(),
            storm(20_000).event(),
        ),
    ];
    for kind in [Bomb::Line, Bomb::Spaces, Bomb::Field, Bomb::Trailer] {
        cases.push((
            format!("bomb of 700 MB ({kind:?})"),
            delivery::event(&delivery::bomb(kind, 700)),
        ));
    }
    cases
        .into_iter()
        .map(|(what, event)| {
            let once = || {
                let sns = Sns::start(TOPIC);
                let function = start(responder, &sns.endpoint());
                for _ in 0..3 {
                    handle(&function, &event);
                }
                let peak = function.peak_memory();
                function.stop();
                mebibytes(peak)
            };
            Row::new(
                format!("peak memory, {what}"),
                "MiB",
                (0..3).map(|_| once()).collect(),
                Some(32.0),
            )
        })
        .collect()
}

/// The size of the zip archive that Lambda gets.
fn zipped(responder: &Path) -> Row {
    const PROGRAM: &str = "import sys, zipfile\n\
         with zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as z: z.write(sys.argv[1], 'bootstrap')";
    let archive: PathBuf = responder.with_extension("bench.zip");
    let status = Command::new("python3")
        .arg("-c")
        .arg(PROGRAM)
        .arg(responder)
        .arg(&archive)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "python3 could not write {}",
        archive.display()
    );
    let bytes = std::fs::metadata(&archive)
        .expect("the archive that was written")
        .len();
    std::fs::remove_file(&archive).ok();
    let mebibytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1_048_576.0;
    Row::new("zip archive", "MiB", vec![mebibytes], Some(4.0))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn mebibytes(kibibytes: u64) -> f64 {
    f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0
}
