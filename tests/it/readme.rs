//! The README's commands and their answers, against a real server.

use crate::support::{invitations, process::Server};

/// Splits a command line at spaces outside single quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("a word").push(c),
        }
    }
    words
}

/// Whether a text is an id.
fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().filter(|&byte| byte == b'-').count() == 4
}

/// The ids in an answer, in their order.
fn ids(answer: &str) -> impl Iterator<Item = &str> {
    answer.split('"').filter(|text| is_id(text))
}

/// Replaces what differs from run to run: ids and times.
pub fn steady(answer: &str) -> String {
    let mut steady = String::new();
    for piece in answer.split_inclusive('"') {
        let text = piece.trim_end_matches('"');
        let is_time = text.len() == 24 && text.ends_with('Z') && text.contains('T');
        steady += if is_id(text) {
            "<id>\""
        } else if is_time {
            "<time>\""
        } else if text == "queued" {
            // Its mail may have gone out by now, or not yet.
            "sent\""
        } else {
            piece
        };
    }
    steady
}

/// Sends what a curl line of the README says; answers the body.
fn curl(server: &Server, line: &str) -> String {
    let words = words(line);
    let value = |flag: &str| words.iter().position(|word| word == flag).map(|position| words[position + 1].clone());
    let url = words.iter().find(|word| word.starts_with("http://")).expect("a URL");
    let path = url.strip_prefix("http://127.0.0.1:8080").expect("the default address");
    let body = value("-d");
    let method = value("-X").unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned());
    let mut request = server.request(&method, path);
    if let Some((name, header)) = value("-H").as_deref().and_then(|header| header.split_once(": ")) {
        request = request.header(name, header);
    }
    body.map_or(request.clone(), |body| request.body(body)).send().text()
}

#[test]
fn the_readmes_curl_lines_get_the_answers_that_it_shows() {
    let readme = include_str!("../../README.md");
    let server = Server::start(&["dev", "--listen", "127.0.0.1:0"]);
    let lines: Vec<_> = readme.lines().collect();
    let calls: Vec<_> = (0..lines.len()).filter(|&number| lines[number].starts_with("$ curl ")).collect();
    assert!(calls.len() >= 10, "{calls:?}");
    // The ids of this run for those that the README shows.
    let mut known: Vec<(String, String)> = Vec::new();
    for number in calls {
        let (line, shown) = (lines[number], lines[number + 1]);
        let line = known.iter().fold(line.to_owned(), |line, (shown, real)| line.replace(shown, real));
        let answer = curl(&server, &line);
        assert_eq!(steady(&answer), steady(shown), "{line}");
        known.extend(ids(shown).map(str::to_owned).zip(ids(&answer).map(str::to_owned)));
        // A person types more slowly than a mail goes out.
        while curl(&server, &format!("curl http://127.0.0.1:8080{}", invitations("hooli"))).contains("queued") {}
    }
}

#[test]
fn the_readmes_commands_exist() {
    let readme = include_str!("../../README.md");
    for line in readme.lines().filter_map(|line| line.strip_prefix("$ invited ")) {
        let command: Vec<_> = line.split(' ').take_while(|word| !word.starts_with("--")).collect();
        let known: Vec<_> = command.iter().copied().filter(|word| word.chars().all(char::is_alphabetic)).collect();
        let help = crate::support::process::run(&[&known[..], &["--help"]].concat());
        assert!(help.status.success(), "{line}");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        for flag in line.split(' ').filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{line}: {flag}");
        }
    }
}
