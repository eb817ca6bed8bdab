//! A slow mail server: it takes every mail, and thinks about each command.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::Result;

/// How long it thinks. A mail is five or six commands.
const THINKS: Duration = Duration::from_millis(75);

/// A running one. It sleeps nearly all the time, so it takes nothing from the core of the server.
pub struct SlowPeer {
    /// Where it listens.
    pub port: u16,
    /// Mails that it has taken.
    taken: Arc<AtomicU32>,
}

impl SlowPeer {
    /// Starts it on a port of its own, for as long as this program runs.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let peer = Self {
            port: listener.local_addr()?.port(),
            taken: Arc::default(),
        };
        let taken = Arc::clone(&peer.taken);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(std::io::Result::ok) {
                let taken = Arc::clone(&taken);
                // A server that is ended in the middle of a mail is no error.
                thread::spawn(move || drop(converse(&connection, &taken)));
            }
        });
        Ok(peer)
    }

    /// Fails when it has taken no mail: then nothing was measured.
    ///
    /// # Errors
    /// Then.
    pub fn check(&self) -> Result<()> {
        if self.taken.load(Ordering::Relaxed) == 0 {
            Err("no mail was sent during the run".into())
        } else {
            Ok(())
        }
    }
}

/// Answers one client until it goes; counts its mails.
fn converse(connection: &TcpStream, taken: &AtomicU32) -> std::io::Result<()> {
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
            taken.fetch_add(1, Ordering::Relaxed);
        }
        answers.write_all(if command == "QUIT" {
            b"221 bye\r\n"
        } else {
            b"250 fine\r\n"
        })?;
        if command == "QUIT" {
            break;
        }
    }
    Ok(())
}
