//! Every cause, one file each.

use crate::catalogue::Cause;

macro_rules! causes {
    ($($file:ident,)*) => {
        $(mod $file;)*

        /// The catalogue, in the order of the documentation.
        pub static CAUSES: &[&Cause] = &[$(&$file::CAUSE),*];
    };
}

causes! {
    principal_not_mapped,
}
