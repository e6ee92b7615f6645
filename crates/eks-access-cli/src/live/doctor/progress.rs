//! How far it is, on a terminal's standard error.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Counts questions. Nothing is shown for the first second, nor where standard error is no terminal.
pub(super) struct Progress {
    is_terminal: bool,
    started: Instant,
    all: Cell<usize>,
    done: Cell<usize>,
    shown: Cell<Option<Instant>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
            started: Instant::now(),
            all: Cell::new(0),
            done: Cell::new(0),
            shown: Cell::new(None),
        }
    }
}

impl Progress {
    /// So many more questions are to be asked.
    pub(super) fn more(&self, questions: usize) {
        self.all.set(self.all.get() + questions);
    }

    /// One was answered.
    pub(super) fn one(&self) {
        self.done.set(self.done.get() + 1);
        let now = Instant::now();
        let is_due = now - self.started > Duration::from_secs(1)
            && self
                .shown
                .get()
                .is_none_or(|last| now - last > Duration::from_millis(200));
        if self.is_terminal && is_due {
            self.shown.set(Some(now));
            let _ = write!(
                io::stderr(),
                "\r\u{1b}[Kasking: {} of {} entries and principals",
                self.done.get(),
                self.all.get()
            );
        }
    }

    /// Takes it off the screen.
    pub(super) fn done(&self) {
        if self.shown.get().is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
