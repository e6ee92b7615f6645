//! In place of `live.rs` in a build without AWS.

use eks_access::incident::{Answers, Question};

use crate::args::{Admins, Approvals, Doctor, Incidents, Mute, SelfTest, Whoami, Why};
use crate::output::{Error, Found};

/// Can't be done here.
pub(crate) fn admins(_: &Admins) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// Can't be done here.
pub(crate) fn approvals(_: &Approvals) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// Can't be done here.
pub(crate) fn doctor(_: &Doctor) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// Can't be done here.
pub(crate) fn incidents(_: &Incidents) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// Can't be done here.
pub(crate) fn mute(_: &Mute) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// Can't be done here.
pub(crate) fn self_test(_: &SelfTest) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// Can't be done here.
pub(crate) fn whoami(_: &Whoami) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// Can't be done here.
pub(crate) fn why(_: &Why) -> Result<Found, Error> {
    Err(Error::NoAws)
}

/// EKS and IAM, which nobody can ask here.
pub(crate) enum Live {}

impl Live {
    /// Can't be done here.
    pub(crate) fn start(_: Option<&str>, _: Option<&str>) -> Result<Self, Error> {
        Err(Error::NoAws)
    }

    /// The Region that is asked.
    pub(crate) fn region(&self) -> &str {
        match *self {}
    }

    /// What they say.
    pub(crate) fn answers(&self, _: Vec<Question>) -> Answers {
        match *self {}
    }
}
