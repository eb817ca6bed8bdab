//! Which addresses are one caller: networks of IPv6, and clients behind a proxy.

use invited::base::mode::Mode;

use super::{behind_a_proxy, keyless};
use crate::support::{TestApp, invitations};

#[test]
fn one_site_of_ipv6_has_the_quota_of_ten_of_its_networks() {
    let app = behind_a_proxy(&["--limit-address", "3"]);
    let ask = |network: u32| keyless(&app, &format!("2001:db8:1:{network:x}::1")).status;
    let answers: Vec<_> = (0..100).map(ask).collect();
    assert_eq!(answers[..30], [401; 30]);
    let let_through = answers.iter().filter(|status| **status == 401).count();
    assert!(
        let_through <= 40,
        "{let_through} of 100; 30 and what was refilled meanwhile"
    );
    assert_eq!(keyless(&app, "2001:db8:2::1").status, 401, "another site");
    assert_eq!(
        [0; 4].map(|_| keyless(&app, "2001:db8:3::1").status),
        [401, 401, 401, 429],
        "one network has its own"
    );
}

#[test]
fn a_thousand_forged_addresses_of_one_peer_are_one_bucket() {
    let app = TestApp::start(
        Mode::Serve,
        &[
            "--limit-address",
            "10",
            "--trusted-proxies",
            "10.0.0.0/8,::1",
        ],
    );
    let forged = |number: u32| {
        keyless(
            &app,
            &format!("{}.{}.1.1", number / 250 + 1, number % 250 + 1),
        )
        .status
    };
    let answers: Vec<_> = (0..1_000).map(forged).collect();
    assert_eq!(answers[..10], [401; 10]);
    let let_through = answers.iter().filter(|status| **status == 401).count();
    assert!(
        let_through < 20,
        "{let_through} of 1,000; 10 and what was refilled meanwhile"
    );
    assert!(answers.iter().all(|status| matches!(status, 401 | 429)));
}

#[test]
fn behind_a_trusted_proxy_the_rightmost_stranger_is_the_client() {
    let app = behind_a_proxy(&["--limit-address", "1", "--trusted-proxies", "10.0.0.0/8"]);
    assert_eq!(keyless(&app, "6.6.6.6, 1.1.1.1, 10.0.0.9").status, 401);
    assert_eq!(
        keyless(&app, "7.7.7.7, 1.1.1.1").status,
        429,
        "what stands left of the client can be made up"
    );
    let lines = app.anonymous("GET", &invitations("acme"));
    let lines = lines
        .header("X-Forwarded-For", "8.8.8.8")
        .header("X-Forwarded-For", "1.1.1.1,10.0.0.7")
        .send();
    assert_eq!(lines.status, 429, "several lines are one list");
    assert_eq!(
        keyless(&app, "1.1.1.1, what is this, 10.0.0.9").status,
        401,
        "garbage: the proxy itself"
    );
    assert_eq!(
        keyless(&app, "2.2.2.2, \u{e9}, 10.0.0.9").status,
        401,
        "a line that is not ASCII: the peer"
    );
}

#[test]
fn addresses_of_one_ipv6_network_share_a_bucket_and_mapped_ones_are_ipv4() {
    let app = behind_a_proxy(&["--limit-address", "1"]);
    assert_eq!(keyless(&app, "2001:db8:0:1::1").status, 401);
    assert_eq!(
        keyless(&app, "2001:db8:0:1:ffff:ffff:ffff:ffff").status,
        429
    );
    assert_eq!(keyless(&app, "2001:db8:0:2::1").status, 401);
    assert_eq!(keyless(&app, "1.1.1.1").status, 401);
    assert_eq!(keyless(&app, "::ffff:1.1.1.1").status, 429);
    assert_eq!(keyless(&app, "::ffff:1.1.1.2").status, 401);
}
