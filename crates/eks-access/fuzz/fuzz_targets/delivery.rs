//! No bytes make the reader of deliveries panic or use memory without bound.
#![no_main]

use eks_access::delivery::{Limits, Payload, payloads};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { decoded_bytes: 1 << 20, message_bytes: 1 << 16 };
    let _ = Payload::from_bytes(bytes.to_vec()).read(&limits, |_, event| {
        assert!(event.message.len() <= 3 * limits.message_bytes);
    });
    for payload in payloads(bytes).unwrap_or_default() {
        let _ = payload.read(&limits, |_, _| {});
    }
});
