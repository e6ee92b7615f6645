//! Lines of a stream, in flat memory: read in large pieces, handed over without a copy.

use std::io::{self, Read};

use memchr::memchr;

/// Bytes that are read at once, and the longest line that is handed over whole.
const WINDOW: usize = 1 << 20;

/// Hands over every line of the stream, without its line feed. What is longer than the window is handed over cut, with
/// `true`, and the rest of it is skipped. `each` says whether to go on.
pub(crate) fn for_each_line<E: From<io::Error>>(
    mut stream: impl Read,
    mut each: impl FnMut(&[u8], bool) -> Result<(), E>,
) -> Result<(), E> {
    let mut window = vec![0; WINDOW];
    let (mut start, mut end) = (0, 0);
    let mut is_skipping = false;
    loop {
        let filled = window.get(start..end).unwrap_or_default();
        if let Some(found) = memchr(b'\n', filled) {
            if !std::mem::replace(&mut is_skipping, false) {
                each(filled.get(..found).unwrap_or_default(), false)?;
            }
            start += found + 1;
            continue;
        }
        if filled.len() == WINDOW {
            if !std::mem::replace(&mut is_skipping, true) {
                each(filled, true)?;
            }
            (start, end) = (0, 0);
        } else if start > 0 {
            window.copy_within(start..end, 0);
            (start, end) = (0, end - start);
        }
        let count = read_some(&mut stream, window.get_mut(end..).unwrap_or_default())?;
        if count == 0 {
            let rest = window.get(start..end).unwrap_or_default();
            return if rest.is_empty() || is_skipping {
                Ok(())
            } else {
                each(rest, false)
            };
        }
        end += count;
    }
}

fn read_some(stream: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WINDOW, for_each_line};

    fn lines(text: &[u8]) -> Vec<(usize, bool)> {
        let mut found = Vec::new();
        for_each_line(text, |line, is_cut| {
            found.push((line.len(), is_cut));
            Ok::<(), std::io::Error>(())
        })
        .unwrap();
        found
    }

    #[test]
    fn lines_end_at_line_feeds_and_at_the_end() {
        assert_eq!(lines(b"ab\n\nc"), [(2, false), (0, false), (1, false)]);
        assert_eq!(lines(b"ab\n"), [(2, false)]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let mut text = vec![b'a'; 3 * WINDOW + 5];
        text.extend_from_slice(b"\nbc\n");
        assert_eq!(lines(&text), [(WINDOW, true), (2, false)]);
    }
}
