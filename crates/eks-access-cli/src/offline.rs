//! In place of `live.rs` in a build without AWS.

use crate::args::Whoami;
use crate::output::{Error, Found};

/// Can't be done here.
pub(crate) fn whoami(_: &Whoami) -> Result<Found, Error> {
    Err(Error::NoAws)
}
