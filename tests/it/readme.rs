//! The commands of the README, of the quick start and of the guide to development with their
//! answers, against a real server.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use crate::support::{invitations, process::Server};

/// Splits a command line at spaces outside single quotes.
pub fn words(line: &str) -> Vec<String> {
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

/// Whether a text is the token of a link, a code, or the secret of a webhook.
fn is_secret(text: &str) -> bool {
    let is_code = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let prefixes = ["ivt_", "ivm_", "whsec_"];
    is_code || prefixes.iter().any(|prefix| text.starts_with(prefix))
}

/// The ids, tokens and codes in an answer, in their order: later commands name them.
fn names(answer: &str) -> impl Iterator<Item = &str> {
    answer
        .split(['"', '#'])
        .filter(|text| is_id(text) || is_secret(text))
}

/// Replaces what differs from run to run: ids, tokens, codes and times.
pub fn steady(answer: &str) -> String {
    let mut steady = String::new();
    for piece in answer.split_inclusive(['"', '#']) {
        let text = piece.trim_end_matches(['"', '#']);
        let is_time = text.len() == 24 && text.ends_with('Z') && text.contains('T');
        steady += if is_id(text) {
            "<id>\""
        } else if is_secret(text) {
            "<secret>\""
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

/// What `jq -c` makes of an answer: the members that `{a,b}` names, of the first element where
/// `.[0]|` stands before.
fn jq(answer: &str, filter: &str) -> String {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    let (whole, names) = match filter.strip_prefix(".[0]|") {
        Some(names) => (&answer[0], names),
        None => (&answer, filter),
    };
    let names = names
        .strip_prefix('{')
        .and_then(|names| names.strip_suffix('}'));
    let members = names.expect("names").split(',').map(|name| {
        assert!(!whole[name].is_null(), "{name} of {answer}");
        format!("\"{name}\":{}", whole[name])
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Sends what a curl line of the README says; answers the body, as `jq` shows it where that is
/// behind it.
fn curl(server: &Server, line: &str) -> String {
    if let Some((line, filter)) = line.split_once(" | jq -c ") {
        return jq(&curl(server, line), filter.trim_matches('\''));
    }
    let words = words(line);
    let value = |flag: &str| {
        words
            .iter()
            .position(|word| word == flag)
            .map(|position| words[position + 1].clone())
    };
    let url = words
        .iter()
        .find(|word| word.starts_with("http://") || word.starts_with("localhost:"))
        .expect("a URL");
    let path = url
        .strip_prefix("http://127.0.0.1:8080")
        .or(url.strip_prefix("localhost:8080"))
        .expect("the default address");
    let body = value("-d").or(value("--json"));
    let method =
        value("-X").unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned());
    let mut request = server.request(&method, path);
    if let Some((name, header)) = value("-H")
        .as_deref()
        .and_then(|header| header.split_once(": "))
    {
        request = request.header(name, header);
    }
    if value("--json").is_some() {
        request = request.header("Content-Type", "application/json");
    }
    body.map_or(request.clone(), |body| request.body(body))
        .send()
        .text()
}

/// Runs the curl lines of a document in their order; the answers must be those that it shows.
/// `known` has what differs from what the document shows from the start. Returns how many lines
/// there were, and the server, which goes on.
fn check_curl_lines(document: &str, mut known: Vec<(String, String)>) -> (usize, Server) {
    // Its links are those of the default address.
    let server = Server::start(&[
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--public-url",
        "http://127.0.0.1:8080",
    ]);
    let lines: Vec<_> = document.lines().collect();
    let calls: Vec<_> = (0..lines.len())
        .filter(|&number| lines[number].starts_with("$ curl "))
        .collect();
    for &number in &calls {
        let (line, shown) = (lines[number], lines[number + 1]);
        let real = |text: &str| {
            known.iter().fold(text.to_owned(), |text, (shown, real)| {
                text.replace(shown, real)
            })
        };
        let line = real(line);
        let answer = curl(&server, &line);
        assert_eq!(steady(&answer), steady(&real(shown)), "{line}");
        // The ids, tokens and codes of this run for those that the document shows.
        known.extend(
            names(shown)
                .map(str::to_owned)
                .zip(names(&answer).map(str::to_owned)),
        );
        // A person types more slowly than a mail goes out.
        while curl(
            &server,
            &format!("curl http://127.0.0.1:8080{}", invitations("hooli")),
        )
        .contains("queued")
        {}
    }
    (calls.len(), server)
}

/// Takes one request, and answers it with 204. Returns its head and its body.
fn receive(listener: &TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let (mut request, mut part) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut part).expect("the request");
        request += std::str::from_utf8(&part[..count]).expect("text");
        let length = |head: &str| {
            head.to_ascii_lowercase()
                .split_once("content-length: ")
                .map(|(_, rest)| rest.to_owned())
        };
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let length = length(head).and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
            if length.is_some_and(|length| body.len() >= length) {
                stream
                    .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                    .expect("the answer");
                return (head.to_owned(), body.to_owned());
            }
        }
        assert!(count > 0, "it ended early: {request}");
    }
}

#[test]
fn the_readmes_curl_lines_get_the_answers_that_it_shows() {
    let readme = include_str!("../../README.md");
    assert_eq!(check_curl_lines(readme, Vec::new()).0, 5);
}

#[test]
fn the_curl_lines_of_the_quick_start_get_the_answers_that_it_shows() {
    let page = include_str!("../../docs/quickstart.md");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let application = listener.local_addr().expect("its address").to_string();
    let arrived = std::thread::spawn(move || receive(&listener));
    let (count, _server) = check_curl_lines(page, vec![("127.0.0.1:3000".to_owned(), application)]);
    assert!(count >= 15, "{count}");
    let (shown_head, shown_body) = page
        .split_once("```http\n")
        .expect("what arrives")
        .1
        .split_once("\n\n")
        .expect("a body");
    let (head, body) = arrived.join().expect("a webhook arrives");
    assert_eq!(
        steady(&body),
        steady(shown_body.lines().next().expect("a body"))
    );
    let (mut shown, head) = (shown_head.lines(), head.to_ascii_lowercase());
    assert!(
        head.starts_with(&shown.next().expect("a request line").to_ascii_lowercase()),
        "{head}"
    );
    for line in shown {
        let name = line.split(": ").next().expect("a name");
        assert!(head.contains(&format!("\r\n{name}: ")), "{name}: {head}");
    }
}

#[test]
fn the_story_by_mail_of_the_guide_to_development_gets_the_answers_that_it_shows() {
    assert_eq!(
        check_curl_lines(include_str!("../../docs/dev.md"), Vec::new()).0,
        9
    );
}

#[test]
fn the_commands_of_both_exist() {
    let pages = [
        include_str!("../../README.md"),
        include_str!("../../docs/quickstart.md"),
    ];
    for line in pages
        .iter()
        .flat_map(|page| page.lines())
        .filter_map(|line| line.strip_prefix("$ invited "))
    {
        let command: Vec<_> = line
            .split(' ')
            .take_while(|word| !word.starts_with("--"))
            .collect();
        let known: Vec<_> = command
            .iter()
            .copied()
            .filter(|word| word.chars().all(char::is_alphabetic))
            .collect();
        let help = crate::support::process::run(&[&known[..], &["--help"]].concat());
        assert!(help.status.success(), "{line}");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        for flag in line.split(' ').filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{line}: {flag}");
        }
    }
}
