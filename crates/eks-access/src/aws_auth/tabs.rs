//! Tabs in YAML. The authenticator's parser (libyaml's rules) takes a tab between two tokens of a line and anywhere within
//! brackets; it refuses one where a key may begin, which is before the first word of a line and after a dash. The parser here
//! refuses more of them.

/// The text with a space for every tab that stands where either may, line by line, and what stands within brackets deep enough
/// for the parser; or the line, from 1, that has a tab where none may be.
pub(super) fn with_spaces(text: &str) -> Result<String, usize> {
    let mut scanner = Scanner {
        out: String::with_capacity(text.len()),
        state: State::Between {
            may_be_key: true,
            is_at_start: true,
        },
        line: 1,
        column: 0,
        token: 0,
        indent: None,
        brackets: 0,
        is_continued: false,
        has_tab: false,
        is_fresh: true,
    };
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        scanner.take(c, characters.peek().copied())?;
    }
    Ok(scanner.out)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between two tokens.
    Between {
        /// Whether a key of a block may begin here.
        may_be_key: bool,
        /// Whether nothing stood in the line before.
        is_at_start: bool,
    },
    Comment,
    Plain,
    Single,
    Double,
    /// After a backslash.
    Escaped,
    /// The rest of the line of `|` or `>`.
    Header,
    /// At the beginning of a line behind that, or in one that belongs to it.
    Block {
        is_content: bool,
    },
}

struct Scanner {
    out: String,
    state: State,
    line: usize,
    column: usize,
    /// Where the last token began.
    token: usize,
    /// The column of the innermost mapping or list, if any has begun.
    indent: Option<usize>,
    brackets: usize,
    /// Whether a plain value goes on in this line, if it is deep enough.
    is_continued: bool,
    /// Whether the line begins with a tab, which is no harm if nothing but a comment follows.
    has_tab: bool,
    /// Whether nothing but blanks stood in the line so far.
    is_fresh: bool,
}

fn is_gap(c: Option<char>) -> bool {
    c.is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
}

impl Scanner {
    fn take(&mut self, c: char, next: Option<char>) -> Result<(), usize> {
        if let State::Block { is_content: false } = self.state
            && !matches!(c, ' ' | '\n' | '\r')
        {
            // A line that is no deeper than its key belongs to the text no more.
            let is_deeper = self.indent.is_none_or(|indent| self.column > indent);
            self.state = if is_deeper {
                State::Block { is_content: true }
            } else if c == '\t' {
                return Err(self.line);
            } else {
                State::Between {
                    may_be_key: true,
                    is_at_start: true,
                }
            };
        }
        let mut written = c;
        let is_blank = matches!(c, ' ' | '\t' | '\n' | '\r');
        let is_first = self.is_fresh && !is_blank;
        self.is_fresh &= is_blank;
        let is_quoted = matches!(self.state, State::Single | State::Double);
        let was_within = self.brackets > 0 || is_quoted;
        if self.is_fresh && is_quoted && c == '\t' {
            written = ' ';
        }
        match self.state {
            _ if c == '\n' => self.end_of_line(),
            State::Between {
                may_be_key,
                is_at_start,
            } => match c {
                ' ' | '\r' => {}
                // It ends no plain value, and the value does not go on.
                '\t' if self.is_continued && !self.is_deep_enough() => return Err(self.line),
                '\t' if self.brackets > 0 || !may_be_key || self.is_deep_enough() => written = ' ',
                '\t' if is_at_start => {
                    self.has_tab = true;
                    written = ' ';
                }
                '\t' => return Err(self.line),
                _ if self.has_tab && self.brackets == 0 && c != '#' => return Err(self.line),
                _ => self.begin(c, next, may_be_key),
            },
            State::Plain => self.plain(c, next),
            State::Single if c == '\'' => self.state = BEHIND,
            State::Double if c == '"' => self.state = BEHIND,
            State::Double if c == '\\' => self.state = State::Escaped,
            State::Escaped => self.state = State::Double,
            State::Single
            | State::Double
            | State::Comment
            | State::Header
            | State::Block { .. } => {}
        }
        if is_first && was_within {
            // Within brackets and quotes no depth counts; the parser here wants one.
            let least = self.indent.map_or(0, |indent| indent + 1);
            let missing = least.saturating_sub(self.column);
            self.out.extend(std::iter::repeat_n(' ', missing));
        }
        self.out.push(written);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
        Ok(())
    }

    fn is_deep_enough(&self) -> bool {
        self.is_continued && self.indent.is_none_or(|indent| self.column > indent)
    }

    fn end_of_line(&mut self) {
        self.line += 1;
        self.has_tab = false;
        self.is_fresh = true;
        let is_blank = matches!(
            self.state,
            State::Between {
                is_at_start: true,
                ..
            }
        );
        self.is_continued = self.state == State::Plain || (self.is_continued && is_blank);
        self.state = match self.state {
            State::Single => State::Single,
            State::Double | State::Escaped => State::Double,
            State::Header | State::Block { .. } => State::Block { is_content: false },
            State::Between { .. } | State::Comment | State::Plain => State::Between {
                may_be_key: true,
                is_at_start: true,
            },
        };
    }

    /// The first character of a token.
    fn begin(&mut self, c: char, next: Option<char>, may_be_key: bool) {
        let is_block = self.brackets == 0;
        self.is_continued = false;
        if c == ':' && is_block && is_gap(next) {
            self.indent = Some(self.token);
            self.state = BEHIND;
            return;
        }
        self.token = self.column;
        self.state = match c {
            '#' => State::Comment,
            '-' | '?' if is_block && may_be_key && is_gap(next) => {
                self.indent = Some(self.column);
                State::Between {
                    may_be_key: true,
                    is_at_start: false,
                }
            }
            ':' | ',' if !is_block => BEHIND,
            '\'' => State::Single,
            '"' => State::Double,
            '[' | '{' => {
                self.brackets += 1;
                BEHIND
            }
            ']' | '}' => {
                self.brackets = self.brackets.saturating_sub(1);
                BEHIND
            }
            '|' | '>' if is_block => State::Header,
            '&' | '*' | '!' if is_gap(next) => BEHIND,
            _ => State::Plain,
        };
    }

    /// One more character of a plain token.
    fn plain(&mut self, c: char, next: Option<char>) {
        let is_flow = self.brackets > 0;
        match c {
            ':' if is_gap(next) || (is_flow && matches!(next, Some(',' | ']' | '}'))) => {
                if !is_flow {
                    self.indent = Some(self.token);
                }
                self.state = BEHIND;
            }
            ',' if is_flow => self.state = BEHIND,
            ']' | '}' if is_flow => {
                self.brackets -= 1;
                self.state = BEHIND;
            }
            ' ' | '\t' if next == Some('#') => self.state = State::Comment,
            _ => {}
        }
    }
}

/// Behind a token, in the same line.
const BEHIND: State = State::Between {
    may_be_key: false,
    is_at_start: false,
};
