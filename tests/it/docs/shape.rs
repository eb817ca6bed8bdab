//! The shape of an output: what is left when everything that differs from run to run is the same.

/// The units of sizes.
const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// The lines of `text` in which each number, time, id and secret is a `#`. Empty ones are left out.
pub(super) fn shape(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(of_line).collect()
}

/// The shape of a line.
fn of_line(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || ".:_".contains(c);
    let mut plain = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (token, behind) = match length {
            0 => rest.split_at(first.len_utf8()),
            length => rest.split_at(length),
        };
        plain += &of_token(token);
        rest = behind;
    }
    // An id or a time has several parts.
    while plain.contains("#-#") {
        plain = plain.replace("#-#", "#");
    }
    let mut words: Vec<&str> = plain.split_whitespace().collect();
    let mut n = 1;
    while n < words.len() {
        let unit = words[n].trim_end_matches(',');
        if words[n - 1] == "#" && UNITS.contains(&unit) {
            words[n] = if unit == words[n] { "SIZE" } else { "SIZE," };
            words.remove(n - 1);
        } else {
            n += 1;
        }
    }
    words.join(" ")
}

/// The shape of letters, digits and what belongs to a number.
fn of_token(token: &str) -> String {
    let is_figure = |c: char| c.is_ascii_hexdigit() || "TZ:.".contains(c);
    let secrets = ["ivk_", "ivl_", "ivt_", "ivm_", "whsec_"];
    if let Some(secret) = secrets.iter().find(|secret| token.starts_with(**secret)) {
        return format!("{secret}#");
    }
    let has_digit = token.bytes().any(|byte| byte.is_ascii_digit());
    match token {
        "…" => String::new(),
        token if has_digit && token.chars().all(is_figure) => {
            let end = token.trim_end_matches([':', '.']).len();
            format!("#{}", &token[end..])
        }
        token => token.to_owned(),
    }
}

#[test]
fn what_differs_from_run_to_run_is_left_out_and_nothing_else() {
    for (text, expected) in [
        ("a.db: 46.88 MiB, keys 3, x", "a.db: SIZE, keys #, x"),
        (
            "process 4711 on mail, since 2026-11-29T22:15:03.120Z",
            "process # on mail, since #",
        ),
        (
            "invited.db.before-20261129T195122004Z",
            "invited.db.before-#",
        ),
        (
            "http://127.0.0.1:8080/console#ivl_…",
            "http://#/console#ivl_#",
        ),
        ("019ad1b0-5a3e-7c11-9f3e-0f6d3c1a2b4d of acme", "# of acme"),
        ("ready: face", "ready: face"),
    ] {
        assert_eq!(shape(text), [expected], "{text}");
    }
    assert_ne!(shape("organizations 1"), shape("invitations 1"));
}
