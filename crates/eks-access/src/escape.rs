//! Strings in the files that remedies and translations write. Shell words are quoted by
//! [`Command`](crate::remedy::Command).

use std::fmt::Write as _;

/// A string of HCL (HCL native syntax, "Template Expressions"): nothing in it is interpolated.
pub(crate) fn hcl(text: &str) -> String {
    let escaped = escaped(text, |c| format!("\\u{c:04x}"))
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{escaped}\"")
}

/// A string of YAML in double quotes (YAML 1.2, 5.7).
pub(crate) fn yaml(text: &str) -> String {
    format!("\"{}\"", escaped(text, |c| format!("\\u{c:04X}")))
}

/// Backslashes, quotes and control characters escaped. Control characters are all below U+FFFF.
fn escaped(text: &str, control: impl Fn(u32) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '"' => {
                let _ = write!(out, "\\{c}");
            }
            // YAML counts U+2028 and U+2029 as line breaks, as U+0085.
            _ if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}') => {
                out.push_str(&control(u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{hcl, yaml};

    #[test]
    fn nothing_in_a_string_of_hcl_is_interpolated() {
        assert_eq!(hcl("a"), "\"a\"");
        assert_eq!(hcl("${file(\"x\")}%{if}\\"), r#""$${file(\"x\")}%%{if}\\""#);
        assert_eq!(hcl("a\nb"), r#""a\u000ab""#);
    }

    #[test]
    fn nothing_in_a_string_of_yaml_ends_it() {
        assert_eq!(yaml("a\"\\\n: - #"), r#""a\"\\\u000A: - #""#);
    }
}
