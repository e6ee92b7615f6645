//! No text makes a line's reading, joining, folding or rendering panic, and none is shown that should not be.
#![no_main]

use eks_access::incident::{Digest, Place, Settings};
use eks_access::line::{Stream, read_delivered, read_pasted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut digest = Digest::new(Settings::default());
    let cluster = digest.cluster_id(Settings::default().cluster);
    for line in text.lines() {
        digest.line(read_delivered(line), cluster, Place::default());
        digest.line(read_pasted(line, None), cluster, Place::default());
        digest.line(read_pasted(line, Some(Stream::Client)), cluster, Place::default());
    }
    for notice in digest.finish().notices {
        let sns = notice.sns();
        assert!(sns.subject.len() < 100 && sns.subject.bytes().all(|b| (0x20..0x7f).contains(&b)));
        assert!(sns.message.len() < 100_000);
    }
});
