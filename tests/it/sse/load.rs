//! Streams under load: nothing is lost, nothing is told twice, whatever is written and whoever is
//! cut off meanwhile.

use super::reader::{Reader, Said};
use super::{history_ids, invitations};
use crate::support::TestApp;
use crate::support::kept::{Call, Kept};

/// Makes `count` invitations in acme by 16 clients at the same time.
fn create(app: &TestApp, count: usize) {
    std::thread::scope(|scope| {
        for client in 0..16 {
            scope.spawn(move || {
                let kept = Kept::new(app);
                for number in (client..count).step_by(16) {
                    let body = serde_json::json!({ "email": format!("p{number}@b.co"),
                        "role": "developer" });
                    let reply = kept
                        .send(&Call::new("POST", invitations("acme"), body))
                        .expect("it answers");
                    assert_eq!(reply.status, 201, "{}", reply.body);
                }
            });
        }
    });
}

#[test]
fn twenty_streams_get_each_of_a_thousand_events_once_and_in_order() {
    let app = TestApp::start(invited::base::mode::Mode::Serve, &["--limit-address", "0"]);
    let streams: Vec<_> = (0..20).map(|_| Reader::of(&app)).collect();
    let told: Vec<Vec<String>> = std::thread::scope(|scope| {
        let readers: Vec<_> = streams
            .into_iter()
            .map(|mut stream| scope.spawn(move || stream.ids(1000)))
            .collect();
        create(&app, 1000);
        readers
            .into_iter()
            .map(|reader| reader.join().expect("it read"))
            .collect()
    });
    let ids = history_ids(&app);
    assert!(ids.len() == 1000 && ids.is_sorted_by(|one, next| one < next));
    for told in &told {
        assert_eq!(told, &ids);
    }
}

#[test]
fn streams_that_are_cut_at_random_and_resumed_lose_nothing_and_repeat_nothing() {
    let seed = fastrand::u64(..);
    let app = TestApp::start(invited::base::mode::Mode::Serve, &["--limit-address", "0"]);
    let follow = |number: u64| {
        let mut random = fastrand::Rng::with_seed(seed + number);
        let (mut told, mut cuts) = (Vec::<String>::new(), 0);
        while told.len() < 1000 {
            // The first one begins before the first event; after a cut the last one that was taken
            // counts.
            let last = told
                .last()
                .map_or("00000000-0000-0000-0000-000000000000", |id| id);
            let mut stream = Reader::open(&app, &app.key, "", Some(last));
            let mut left = random.usize(0..60);
            while left > 0 && told.len() < 1000 {
                match stream.next() {
                    Said::Event(id, ..) => told.push(id),
                    other => assert_eq!(other, Said::Beat),
                }
                left -= 1;
            }
            cuts += 1;
        }
        assert!(cuts > 10, "{cuts}");
        told
    };
    let told: Vec<_> = std::thread::scope(|scope| {
        let follow = &follow;
        let readers: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || follow(number)))
            .collect();
        create(&app, 1000);
        readers
            .into_iter()
            .map(|reader| reader.join().expect("it read"))
            .collect()
    });
    let ids = history_ids(&app);
    for told in &told {
        assert_eq!(told, &ids, "seed {seed}");
    }
}
