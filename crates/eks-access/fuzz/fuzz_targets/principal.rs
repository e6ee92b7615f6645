//! Whatever reads as a principal is written so that it reads the same again.
#![no_main]

use eks_access::principal::Principal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(principal) = text.parse::<Principal>() {
        assert_eq!(principal.to_string().parse(), Ok(principal));
    }
});
