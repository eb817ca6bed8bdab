//! SIGHUP: certificates are read again.

use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::certificate::{Certificate, ask, connect, live};
use crate::support::Request;
use crate::support::process::Server;

/// Waits until `server` shows `certificate`, or another one than that.
fn wait_for(server: &Server, certificate: &Certificate) {
    let start = Instant::now();
    loop {
        let mut stream = connect(server.address, &certificate.der);
        if stream.write_all(&live(server.address)).is_ok() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "it is not shown");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let mut certificate = Certificate::new(90);
    let server = certificate.serve();
    for _ in 0..3 {
        let kept = Request::kept(server.address, "GET", "/health/live").bytes();
        let mut old = connect(server.address, &certificate.der);
        old.write_all(&kept).expect("it is sent");
        let mut first = [0; 12];
        old.read_exact(&mut first).expect("an answer");
        let before = certificate.der.clone();
        certificate.renew(60);
        assert_eq!(
            ask(server.address, &before, &live(server.address)).status,
            200,
            "not yet"
        );
        server.signal("HUP");
        wait_for(&server, &certificate);
        let mut stream = connect(server.address, &before);
        assert!(
            stream.write_all(&live(server.address)).is_err(),
            "the old one is gone"
        );
        old.write_all(&live(server.address)).expect("it goes on");
        let mut bytes = Vec::new();
        let _ = old.read_to_end(&mut bytes);
        assert!(String::from_utf8_lossy(&bytes).contains("HTTP/1.1 200 "));
    }
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        printed.matches("the certificate was read again").count(),
        3,
        "{printed}"
    );
}

#[test]
fn what_cannot_be_used_is_told_and_the_certificate_from_before_stays() {
    let certificate = Certificate::new(90);
    let server = certificate.serve();
    let good = fs::read(certificate.certificate()).expect("a file");
    let other = fs::read(Certificate::new(90).certificate()).expect("a file");
    let mut told = 0;
    for bad in [
        b"".to_vec(),
        b"text".to_vec(),
        other,
        good[..good.len() / 2].to_vec(),
    ] {
        fs::write(certificate.certificate(), &bad).expect("its own");
        server.signal("HUP");
        told += 1;
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(
            ask(server.address, &certificate.der, &live(server.address)).status,
            200
        );
    }
    fs::remove_file(certificate.certificate()).expect("its own");
    server.signal("HUP");
    told += 1;
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        ask(server.address, &certificate.der, &live(server.address)).status,
        200
    );
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0));
    let stays = "the certificate from before stays in use";
    assert_eq!(printed.matches(stays).count(), told, "{printed}");
}
