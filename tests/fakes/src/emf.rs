//! The `CloudWatch` embedded metric format, checked by its specification (`CloudWatch` user guide, "Specification:
//! Embedded metric format").

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A metric's name and the dimensions it is published under, in order: `Denials{Symptom=not-mapped}`.
pub type Series = String;

/// The metrics of one log line, or `None` if the line is no metric document.
///
/// # Errors
/// The rule that the document breaks.
pub fn metrics(line: &str) -> Result<Option<BTreeMap<Series, f64>>, String> {
    let root: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("no JSON object: {error}"))?;
    let Some(metadata) = root.get("_aws") else {
        return Ok(None);
    };
    if !metadata["Timestamp"].is_u64() {
        return Err("`_aws.Timestamp` is no integer".to_owned());
    }
    let directives = metadata["CloudWatchMetrics"]
        .as_array()
        .ok_or("`_aws.CloudWatchMetrics` is no array")?;
    let mut found = BTreeMap::new();
    for directive in directives {
        let namespace = directive["Namespace"].as_str().unwrap_or("");
        if namespace.is_empty() || namespace.len() > 255 || namespace.starts_with("AWS/") {
            return Err(format!("namespace `{namespace}`"));
        }
        let sets = directive["Dimensions"]
            .as_array()
            .ok_or("`Dimensions` is no array")?;
        if sets.is_empty() {
            return Err("`Dimensions` has no set; the empty set is `[[]]`".to_owned());
        }
        let definitions = directive["Metrics"]
            .as_array()
            .ok_or("`Metrics` is no array")?;
        if definitions.is_empty() || definitions.len() > 100 {
            return Err(format!("{} metric definitions", definitions.len()));
        }
        for set in sets {
            let dimensions = dimensions(&root, set)?;
            for definition in definitions {
                let (name, value) = metric(&root, definition)?;
                found.insert(format!("{name}{dimensions}"), value);
            }
        }
    }
    Ok(Some(found))
}

fn dimensions(root: &Map<String, Value>, set: &Value) -> Result<String, String> {
    let set = set.as_array().ok_or("a dimension set is no array")?;
    if set.len() > 30 {
        return Err(format!("{} dimensions", set.len()));
    }
    let mut pairs = Vec::new();
    for name in set {
        let name = name.as_str().ok_or("a dimension's name is no text")?;
        let value = root
            .get(name)
            .and_then(Value::as_str)
            .ok_or(format!("dimension `{name}` has no text at the root"))?;
        if name.is_empty()
            || name.len() > 250
            || value.is_empty()
            || value.len() > 1024
            || !value.is_ascii()
        {
            return Err(format!("dimension `{name}` is `{value}`"));
        }
        pairs.push(format!("{name}={value}"));
    }
    Ok(if pairs.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", pairs.join(","))
    })
}

fn metric(root: &Map<String, Value>, definition: &Value) -> Result<(String, f64), String> {
    const UNITS: &[&str] = &[
        "Count",
        "Milliseconds",
        "Seconds",
        "Bytes",
        "Kilobytes",
        "Megabytes",
        "Percent",
        "None",
    ];
    let name = definition["Name"].as_str().ok_or("a metric has no name")?;
    if name.is_empty() || name.len() > 1024 {
        return Err(format!("metric `{name}`"));
    }
    if let Some(unit) = definition.get("Unit")
        && !unit.as_str().is_some_and(|unit| UNITS.contains(&unit))
    {
        return Err(format!("metric `{name}` in unit {unit}"));
    }
    let value = root
        .get(name)
        .and_then(Value::as_f64)
        .ok_or(format!("metric `{name}` has no number at the root"))?;
    Ok((name.to_owned(), value))
}

/// The metrics of a function's whole output, summed. Every line must be a JSON object.
///
/// # Errors
/// The line that breaks a rule, and the rule.
pub fn totals(output: &str) -> Result<BTreeMap<Series, f64>, String> {
    let mut totals = BTreeMap::new();
    for line in output.lines() {
        let found = metrics(line).map_err(|rule| format!("{rule} in {line}"))?;
        for (series, value) in found.into_iter().flatten() {
            *totals.entry(series).or_default() += value;
        }
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::metrics;

    #[test]
    fn a_document_without_a_value_for_its_metric_is_refused() {
        let document = |rest: &str| {
            format!(
                r#"{{"_aws":{{"Timestamp":1,"CloudWatchMetrics":[{{"Namespace":"N","Dimensions":[["D"]],"Metrics":[{{"Name":"M","Unit":"Count"}}]}}]}}{rest}}}"#
            )
        };
        let good = metrics(&document(r#","D":"d","M":2"#)).unwrap().unwrap();
        assert_eq!(
            good.into_iter().collect::<Vec<_>>(),
            [("M{D=d}".to_owned(), 2.0)]
        );
        assert!(metrics(&document(r#","D":"d""#)).is_err());
        assert!(metrics(&document(r#","M":2"#)).is_err());
        assert_eq!(metrics(r#"{"level":"info"}"#), Ok(None));
        assert!(metrics("plain text").is_err());
    }
}
