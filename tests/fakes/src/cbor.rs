//! As much of CBOR (RFC 8949) as the protocol `rpcv2Cbor` uses, to and from JSON values.

use serde_json::{Map, Value};

/// Reads one value. Tags are dropped: a timestamp becomes its number of seconds.
pub(crate) fn decode(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    let value = item(&mut rest)?;
    rest.is_empty().then_some(value)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

/// The length or number after a head.
enum Argument {
    Known(u64),
    Indefinite,
}

impl Argument {
    fn known(&self) -> Option<u64> {
        match self {
            Self::Known(number) => Some(*number),
            Self::Indefinite => None,
        }
    }
}

fn argument(rest: &mut &[u8], short: u8) -> Option<Argument> {
    let bytes = match short {
        0..=23 => return Some(Argument::Known(u64::from(short))),
        24..=27 => 1_usize << (short - 24),
        31 => return Some(Argument::Indefinite),
        _ => return None,
    };
    let bytes = take(rest, bytes)?;
    let number = bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Some(Argument::Known(number))
}

fn item(rest: &mut &[u8]) -> Option<Value> {
    let head = take(rest, 1)?[0];
    let (major, short) = (head >> 5, head & 0x1f);
    if major == 7 {
        return simple(rest, short);
    }
    let argument = argument(rest, short)?;
    match major {
        0 => Some(Value::from(argument.known()?)),
        1 => Some(Value::from(-1 - i64::try_from(argument.known()?).ok()?)),
        2 | 3 => {
            let bytes = take(rest, usize::try_from(argument.known()?).ok()?)?;
            Some(Value::String(String::from_utf8(bytes.to_vec()).ok()?))
        }
        4 => {
            let mut items = Vec::new();
            while more(rest, &argument, items.len())? {
                items.push(item(rest)?);
            }
            Some(Value::Array(items))
        }
        5 => {
            let mut fields = Map::new();
            while more(rest, &argument, fields.len())? {
                let Value::String(key) = item(rest)? else {
                    return None;
                };
                // A key that comes twice would make the count wrong.
                if fields.insert(key, item(rest)?).is_some() {
                    return None;
                }
            }
            Some(Value::Object(fields))
        }
        _ => item(rest),
    }
}

fn more(rest: &mut &[u8], length: &Argument, got: usize) -> Option<bool> {
    match length {
        Argument::Known(length) => Some((got as u64) < *length),
        Argument::Indefinite if rest.first()? == &0xff => {
            take(rest, 1)?;
            Some(false)
        }
        Argument::Indefinite => Some(true),
    }
}

fn simple(rest: &mut &[u8], short: u8) -> Option<Value> {
    match short {
        20 => Some(Value::Bool(false)),
        21 => Some(Value::Bool(true)),
        22 | 23 => Some(Value::Null),
        26 => {
            let bytes = take(rest, 4)?.try_into().ok()?;
            Some(Value::from(f64::from(f32::from_be_bytes(bytes))))
        }
        27 => {
            let bytes = take(rest, 8)?.try_into().ok()?;
            Some(Value::from(f64::from_be_bytes(bytes)))
        }
        _ => None,
    }
}

/// Writes a value. What stands under `Timestamp` or in `Timestamps` is tagged as a time.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, false, &mut out);
    out
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    if argument < 24 {
        out.push(major | u8::try_from(argument).expect("a small number"));
    } else {
        out.push(major | 0x1b);
        out.extend(argument.to_be_bytes());
    }
}

fn write(value: &Value, time: bool, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(is) => out.push(if *is { 0xf5 } else { 0xf4 }),
        Value::Number(number) => {
            if time {
                head(6, 1, out);
            }
            match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => head(0, number, out),
                (_, Some(number), _) => head(1, number.unsigned_abs() - 1, out),
                (_, _, float) => {
                    out.push(0xfb);
                    out.extend(float.unwrap_or(0.0).to_be_bytes());
                }
            }
        }
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            for item in items {
                write(item, time, out);
            }
        }
        Value::Object(fields) => {
            head(5, fields.len() as u64, out);
            for (key, value) in fields {
                head(3, key.len() as u64, out);
                out.extend(key.bytes());
                write(value, key == "Timestamp" || key == "Timestamps", out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{decode, encode};

    #[test]
    fn what_is_written_is_read_back() {
        let value = json!({
            "a": [1, 300, -5, 2.5, null, true], "é": {"Timestamp": 1_772_359_200}, "long": "x".repeat(300),
        });
        assert_eq!(decode(&encode(&value)), Some(value));
        assert_eq!(
            encode(&json!({"Timestamp": 1})),
            *b"\xa1\x69Timestamp\xc1\x01"
        );
    }

    #[test]
    fn indefinite_lengths_and_tags_are_read() {
        // {_ "a": [_ 1(1.5)]}
        let bytes = b"\xbf\x61a\x9f\xc1\xfb\x3f\xf8\0\0\0\0\0\0\xff\xff";
        assert_eq!(decode(bytes), Some(json!({"a": [1.5]})));
        assert_eq!(decode(b"\xa1\x61a"), None);
        assert_eq!(decode(b"\x01\x01"), None);
    }
}
