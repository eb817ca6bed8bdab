//! The places that a server is to listen on, taken together.

use clap::Args;

use super::Settings;
use super::listen::{DEFAULT, Listen, local_url, parse_port};
use crate::base::failure::Failure;

/// Ports of their own for what the main one has below a path, or with a key.
#[derive(Args, Clone, Debug)]
pub struct PortSettings {
    /// Address and port of their own for `/metrics`, `/livez` and `/readyz`, without a key, as
    /// 127.0.0.1:9187, or :9187 for all addresses; then the main port has no `/metrics` [default:
    /// none]
    #[arg(long, env = "INVITED_METRICS_LISTEN", value_name = "ADDRESS:PORT",
        value_parser = parse_port)]
    pub metrics_listen: Option<Listen>,

    /// Address and port of their own for clients of ClickHouse Cloud that take no path in their base
    /// URL, as 127.0.0.1:8081: it has at `/` what is at `/clickhouse` elsewhere [default: none]
    #[arg(long, env = "INVITED_CLICKHOUSE_LISTEN", value_name = "ADDRESS:PORT",
        value_parser = parse_port)]
    pub clickhouse_listen: Option<Listen>,
}

impl PortSettings {
    /// The places that are named.
    fn places(&self) -> impl Iterator<Item = &Listen> {
        self.metrics_listen.iter().chain(&self.clickhouse_listen)
    }
}

impl Settings {
    /// The places to listen on; the default one where none is named.
    pub(crate) fn places(&self) -> Vec<Listen> {
        or_default(&self.listen)
    }

    /// The places where the server shows its certificate, if it has one: all but the port for
    /// metrics.
    pub(crate) fn places_with_tls(&self) -> Vec<Listen> {
        let mut places = self.places();
        places.extend(self.ports.clickhouse_listen.clone());
        places
    }

    /// Checks that only this machine reaches a server for development. What systemd hands over is
    /// looked at when it is there.
    ///
    /// # Errors
    /// When a place is open to others.
    pub(super) fn check_places_of_dev(&self) -> Result<(), Failure> {
        let is_open = |place: &&Listen| !place.is_local() && !matches!(place, Listen::Systemd(_));
        let mut places = self.listen.iter().chain(self.ports.places());
        let open = places.find(is_open);
        open.map_or(Ok(()), |open| Err(not_for_dev(&open.to_string())))
    }

    /// Checks that no place is named twice, by whatever flags.
    ///
    /// # Errors
    /// When two of them are one.
    pub(super) fn check_places(&self) -> Result<(), Failure> {
        let named: Vec<_> = self.listen.iter().chain(self.ports.places()).collect();
        let mut pairs = named
            .iter()
            .enumerate()
            .flat_map(|(at, one)| named.iter().take(at).map(move |earlier| (earlier, one)));
        let taken = pairs.find(|(earlier, one)| one.is_taken_by(earlier));
        taken.map_or(Ok(()), |(earlier, one)| Err(named_twice(earlier, one)))
    }

    /// The URL by which this machine reaches the server.
    pub(crate) fn local_url(&self) -> String {
        local_url(&self.places(), self.tls.tls_cert.is_some())
    }
}

/// Two places are one.
fn named_twice(earlier: &Listen, later: &Listen) -> Failure {
    let what = if earlier == later {
        format!("{later} is to be listened on twice")
    } else {
        format!("{later} and {earlier} are to be listened on, which are one place")
    };
    Failure::usage(
        what,
        "name each place once among --listen, --metrics-listen and --clickhouse-listen; port 0 is \
         any that is free",
    )
}

/// A server for development would listen on `place`.
pub(crate) fn not_for_dev(place: &str) -> Failure {
    Failure::usage(
        format!("dev listens on loopback addresses only (not on {place})"),
        "dev needs no key, so it must not be reached from outside: use 127.0.0.1; or name what \
         others may call it with --allow-host; or use `invited serve`",
    )
}

/// `places`, or the default one.
pub(crate) fn or_default(places: &[Listen]) -> Vec<Listen> {
    if places.is_empty() {
        vec![DEFAULT]
    } else {
        places.to_vec()
    }
}
