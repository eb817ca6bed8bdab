//! A slow mail server: it takes every mail, and thinks about each command.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::Result;

/// How long it thinks. A mail is five or six commands.
const THINKS: Duration = Duration::from_millis(75);

/// Starts it on a port of its own, for as long as this program runs; answers the port. It sleeps nearly all the time, so it takes
/// nothing from the core of the server.
///
/// # Errors
/// When there is no port.
pub fn start() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for connection in listener.incoming().map_while(std::io::Result::ok) {
            // A server that is ended in the middle of a mail is no error.
            thread::spawn(move || drop(converse(&connection)));
        }
    });
    Ok(port)
}

/// Answers one client until it goes.
fn converse(connection: &TcpStream) -> std::io::Result<()> {
    let mut answers = connection;
    let mut lines = BufReader::new(connection).lines();
    answers.write_all(b"220 slow.example\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        thread::sleep(THINKS);
        let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        if command == "DATA" {
            answers.write_all(b"354 go on\r\n")?;
            while lines.next().transpose()?.is_some_and(|line| line != ".") {}
            thread::sleep(THINKS);
        }
        answers.write_all(if command == "QUIT" { b"221 bye\r\n" } else { b"250 fine\r\n" })?;
        if command == "QUIT" {
            break;
        }
    }
    Ok(())
}
