//! klog, the log format of Kubernetes' own components: `Lmmdd hh:mm:ss.uuuuuu  pid file.go:NN] text`. Such lines do occur
//! inside the authenticator's stream.

/// Whether this is a klog line: `Lmmdd hh:mm:ss.uuuuuu  pid file.go:NN] text`.
#[must_use]
pub fn is_klog(line: &str) -> bool {
    text(line).is_some()
}

/// The text of a klog line.
#[must_use]
pub fn text(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(['I', 'W', 'E', 'F'])?;
    let (date, rest) = rest.split_once(' ')?;
    let is_date = date.len() == 4 && date.bytes().all(|b| b.is_ascii_digit());
    let (clock, rest) = rest.split_once(' ')?;
    let is_clock = clock.len() >= 8
        && clock
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
    let (header, text) = rest
        .split_once("] ")
        .or_else(|| rest.strip_suffix(']').map(|header| (header, "")))?;
    let (pid, place) = header.trim_start().split_once(' ')?;
    let is_pid = pid.bytes().all(|b| b.is_ascii_digit());
    let is_place = place.rsplit_once(':').is_some_and(|(file, number)| {
        !file.contains(' ') && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    });
    (is_date && is_clock && is_pid && is_place).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::is_klog;

    #[test]
    fn klog_lines_are_told_apart() {
        assert!(is_klog(
            "W0322 10:00:01.123456       1 client_config.go:617] Neither --kubeconfig nor --master"
        ));
        assert!(!is_klog("time=\"2026\" level=info"));
    }
}
