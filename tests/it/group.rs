//! Changes that share a commit: whichever of them are refused, the others are there.

use std::sync::mpsc::channel;
use std::time::Duration;

use invited::base::clock::Clock;
use invited::base::error::{Code, Error};
use invited::base::ids::Ids;
use invited::db::{Db, Options, Synchronous, WriteTx};

/// Changes of a group.
const CHANGES: u32 = 4;

/// Adds an organization, and then is refused if `is_refused`.
async fn add(db: Db, id: u32, is_refused: bool) -> Result<(), Code> {
    let outcome = db.write(move |tx| {
        let sql = "insert into organization (id, created_at, updated_at) values (?1, 0, 0)";
        tx.execute(sql, [id.to_string()])?;
        if is_refused {
            Err(Error::internal("refused"))
        } else {
            Ok(())
        }
    });
    outcome.await.map_err(|error| error.code)
}

/// The organizations of the file, by their ids.
fn organizations(db: &Db) -> Vec<u32> {
    let listed = db.read(|reader| {
        let mut statement = reader.prepare("select id from organization order by id")?;
        let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
        Ok(ids.collect::<Result<Vec<_>, _>>()?)
    });
    let ids = listed.expect("it can be read");
    ids.iter().map(|id| id.parse().expect("a number")).collect()
}

/// Runs a group of changes of which those are refused whose bits are set. Returns their outcomes,
/// what the file holds after them, and how many commits they took.
fn run(refused: u32) -> (Vec<Result<(), Code>>, Vec<u32>, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let db = Db::open(&folder.path().join("invited.db"), &options).expect("it opens");
    let (outcomes, commits) = invited::server::block_on(async {
        let (release, released) = channel::<()>();
        let gate = db.clone();
        // It is refused, too, so that the first of the others finds nothing in the transaction.
        let gate = tokio::task::spawn_local(async move {
            let hold = move |_: &WriteTx<'_>| {
                // It fails when the test has released it.
                let _ = released.recv_timeout(Duration::from_secs(10));
                Err::<(), _>(Error::internal("refused"))
            };
            gate.write(hold).await
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let adds: Vec<_> = (0..CHANGES)
            .map(|id| tokio::task::spawn_local(add(db.clone(), id, refused & 1 << id != 0)))
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let before = db.commits();
        drop(release);
        assert!(gate.await.expect("it ran").is_err());
        let mut outcomes = Vec::new();
        for add in adds {
            outcomes.push(add.await.expect("it ran"));
        }
        (outcomes, db.commits() - before)
    });
    let kept = organizations(&db);
    db.close();
    (outcomes, kept, commits)
}

#[test]
fn whichever_changes_of_a_commit_are_refused_the_others_are_made_and_each_is_told_its_own() {
    for refused in 0..1 << CHANGES {
        let is_refused = |id: &u32| refused & 1 << id != 0;
        let (outcomes, kept, commits) = run(refused);
        let expected: Vec<_> = (0..CHANGES)
            .map(|id| {
                if is_refused(&id) {
                    Err(Code::Internal)
                } else {
                    Ok(())
                }
            })
            .collect();
        assert_eq!(outcomes, expected, "{refused:04b}");
        let made: Vec<_> = (0..CHANGES).filter(|id| !is_refused(id)).collect();
        assert_eq!(kept, made, "{refused:04b}");
        assert_eq!(commits, 1, "{refused:04b}");
    }
}
