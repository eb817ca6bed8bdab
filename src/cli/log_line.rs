//! How a line of the log is written: as text or as JSON, and never as more than one line.

use std::fmt::Write;

use env_logger::fmt::style::Style;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use log::{Level, Record};
use serde_json::{Map, Number};

use crate::base::clock::Timestamp;
use crate::base::current_request::CurrentRequest;
use crate::base::redacted::redact;
use crate::base::text::is_invisible;
use crate::config::log::Format;

/// The fields that a line of text has in its message already.
const IN_MESSAGE: [&str; 5] = ["method", "route", "status", "code", "durationMs"];

/// What a line says.
pub(crate) struct Line<'a> {
    /// When.
    pub now: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// Which part of the program says it.
    pub target: &'a str,
    /// The message.
    pub message: String,
    /// What is known besides, by name.
    pub fields: Fields,
    /// The request that it belongs to.
    pub request: Option<CurrentRequest>,
}

/// Named values of a line, in their order.
type Fields = Map<String, serde_json::Value>;

impl<'a> Line<'a> {
    /// The line of `record`, which is written `now` by the task that says it.
    pub(crate) fn of(record: &'a Record<'_>, now: Timestamp) -> Self {
        let mut fields = Collected::default();
        // Collecting does not fail.
        let _ = record.key_values().visit(&mut fields);
        Self {
            now,
            level: record.level(),
            target: record.target(),
            message: record.args().to_string(),
            fields: fields.0,
            request: CurrentRequest::get(),
        }
    }

    /// A line of this program without a request.
    pub(crate) fn plain(
        now: Timestamp,
        level: Level,
        target: &'a str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            now,
            level,
            target,
            message: message.into(),
            fields: Fields::new(),
            request: None,
        }
    }

    /// The line as `format` has it, with the level in `style` where the format has styles.
    pub(crate) fn write(&self, format: Format, style: Style) -> String {
        match format {
            Format::Text => self.text(style),
            Format::Json => self.json(),
        }
    }

    /// The line for people.
    fn text(&self, style: Style) -> String {
        let (now, level, target) = (self.now, self.level, self.target);
        let mut line = format!("[{now} {style}{level:<5}{style:#} {}] ", clean(target));
        if let Some(request) = &self.request {
            line += &format!("request {}: ", request.id);
        }
        line += &clean(&self.message);
        let more = self.fields.iter();
        for (name, value) in more.filter(|(name, _)| !IN_MESSAGE.contains(&name.as_str())) {
            line += &format!(" {name}={}", clean(&value_as_text(value)));
        }
        if let Some(trace) = self
            .request
            .as_ref()
            .and_then(|request| request.trace_id.as_ref())
        {
            line += &format!(" traceId={trace}");
        }
        line + "\n"
    }

    /// The line as one JSON object.
    fn json(&self) -> String {
        let mut object = Fields::new();
        let mut put = |name: &str, value: &str| {
            object.insert(name.to_owned(), redact(value).into_owned().into());
        };
        put("time", &self.now.to_string());
        put("level", self.level.as_str());
        put("target", self.target);
        put("message", &self.message);
        if let Some(request) = &self.request {
            put("requestId", &request.id);
            if let Some(trace) = &request.trace_id {
                put("traceId", trace);
            }
        }
        for (name, value) in &self.fields {
            let value = match value.as_str() {
                Some(text) => redact(text).into_owned().into(),
                None => value.clone(),
            };
            object.insert(name.clone(), value);
        }
        escape_json(&serde_json::Value::Object(object).to_string()) + "\n"
    }
}

/// A value of a field as people read it: in quotation marks where it has spaces.
fn value_as_text(value: &serde_json::Value) -> String {
    match value.as_str() {
        Some(text) if !text.contains([' ', '"', '=']) => text.to_owned(),
        _ => value.to_string(),
    }
}

/// `text` without secrets, and with escapes in place of line ends, control characters and whatever
/// else is not seen.
fn clean(text: &str) -> String {
    let text = redact(text);
    if !text.contains(is_invisible) {
        return text.into_owned();
    }
    let escape = |c: char| -> String {
        if is_invisible(c) {
            c.escape_default().collect()
        } else {
            c.into()
        }
    };
    text.chars().map(escape).collect()
}

/// JSON with escapes in place of what is not seen: those that JSON does not ask for, too.
fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The fields of a record as JSON values; those without a value are left out.
#[derive(Default)]
struct Collected(Fields);

impl<'kvs> VisitSource<'kvs> for Collected {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut read = ReadValue(None);
        value.visit(&mut read)?;
        if let Some(value) = read.0 {
            self.0.insert(key.to_string(), value);
        }
        Ok(())
    }
}

/// The value of a field as JSON; none: there is none.
struct ReadValue(Option<serde_json::Value>);

impl<'v> VisitValue<'v> for ReadValue {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = Some(value.to_string().into());
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = Number::from_f64(value).map(Into::into);
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a mail server, a panic or a client might want to have in a log.
    const HOSTILE: &str = "a\r\n[2026 INFO x] \u{1b}[31m \u{202e}b\u{7f}\u{85}\u{2028} ada@example.com \
        ivk_0a_0b";

    /// A line with `message`.
    fn line(message: &str) -> Line<'_> {
        let now = Timestamp::from_millis(1_795_401_780_123);
        Line::plain(now, Level::Info, "invited", message)
    }

    #[test]
    fn text_is_one_line_whatever_the_message_is() {
        let text = line(HOSTILE).write(Format::Text, Style::new());
        assert_eq!(
            text,
            "[2026-11-23T02:43:00.123Z INFO  invited] a\\r\\n[2026 INFO x] \\u{1b}[31m \\u{202e}b\\u{7f}\
             \\u{85}\\u{2028} ***@example.com ivk_***\n"
        );
    }

    #[test]
    fn json_is_one_line_that_says_the_same() {
        let json = line(HOSTILE).write(Format::Json, Style::new());
        assert!(
            !json.trim_end_matches('\n').contains(is_invisible),
            "{json}"
        );
        let parsed: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let shown = HOSTILE
            .replace("ada@", "***@")
            .replace("ivk_0a_0b", "ivk_***");
        assert_eq!(parsed["message"], shown);
        assert_eq!(parsed["time"], "2026-11-23T02:43:00.123Z");
    }

    #[test]
    fn a_request_and_the_fields_come_after_the_message() {
        let mut line = line("GET /x 200 in 1ms");
        line.fields.insert("status".to_owned(), 200.into());
        line.fields
            .insert("userAgent".to_owned(), "a \"b\"\n".into());
        line.request = Some(CurrentRequest {
            id: "r-1".into(),
            trace_id: Some("4bf9".into()),
        });
        let text = line.write(Format::Text, Style::new());
        let end = "request r-1: GET /x 200 in 1ms userAgent=\"a \\\"b\\\"\\n\" traceId=4bf9\n";
        assert!(text.ends_with(end), "{text}");
        let json = line.write(Format::Json, Style::new());
        let end = r#""requestId":"r-1","traceId":"4bf9","status":200,"userAgent":"a \"b\"\n"}"#;
        assert!(json.trim_end().ends_with(end), "{json}");
    }
}
