//! A throng behind a user server, as another one sees it through [`RemoteDirectory`]: the contracts of directories and
//! of sources, over SQLite and a connection.
#![cfg(all(feature = "sqlite", feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use throng::client::{RemoteDirectory, Writes};
use throng::core::attribute::Attributes;
use throng::core::change::{Change, ChangeSet, OnCycle};
use throng::core::group::{Group, Origin};
use throng::core::id::{DirectoryId, ExternalId};
use throng::core::name::Username;
use throng::core::password::{Credential, CredentialState, EncodedHash};
use throng::core::secret::Secret;
use throng::core::store::Records;
use throng::core::sync::{Completeness, Cursor, MirrorWrites, MirroredSettings, Next, Pull, SyncSource};
use throng::core::time::{Clock, Timestamp};
use throng::core::user::User;
use throng::passwords::hasher::HasherConfig;
use throng::server::{ServerConfig, UserServer};
use throng::sqlite::SqliteStore;
use throng::sync::SyncRequest;
use throng::{Plan, Throng};
use throng_testkit::clock::{ManualClock, SeededEntropy};
use throng_testkit::contract::directory::{DirectoryFixture, World};
use throng_testkit::contract::sync::SyncFixture;
use throng_testkit::{directory_contract, sync_contract};
use tokio::net::TcpListener;

const REMOTE: DirectoryId = DirectoryId::from_bytes([9; 16]);

/// Salt and tag of the passwords of the [`World`] at the least cost there is, so that no case pays for making them.
const HASHES: [(&str, &str); 6] = [
    ("anna", "7Y8B2+QUCx2JqYF7im9Gsw$VE2t4u1wwwF2DssEIttVdX1f+DHslJGehi/kXHEs3WM"),
    ("Bela", "Ad1Q0Kbo65zPyatm+2SnEg$xjyN9qKV4ZNwaeyJ023yJmMr5VQ3CCqizS0zYjDLgxo"),
    ("çağla", "lpm3yq2NaDcHTx8JN3ffog$gZjJk+8rTM67IRfocfE6RJS1S3ZrFae42GMJMZmTY1M"),
    ("dora", "uP2+y0LrmCIWkoXcIQ2D4w$m0WUwBKoxN+3idKo+OWPO4YGTnwwgfJZrVav846I8xI"),
    ("o'brien", "eu5JyOBEtn1yawOisal24w$Mp+KPGJFrvqSlPdtoeTG1E83EnowPIgOgSQd0mwal1I"),
    ("ops", "zHrU1xK2zLJ/SFwwjy0+tg$FJGthBasC3Q7lpU4z1puj0wZUolVkUZiGLzZBe3kiMw"),
];

/// A throng of one internal directory, which serves on this machine until the runtime of the case ends.
struct Served {
    throng: Throng,
    store: SqliteStore,
    people: DirectoryId,
    url: String,
    password: Secret,
}

/// A throng in memory whose clock stands still, so that nothing expires and nothing waits.
async fn throng(store: &SqliteStore, attach: impl FnOnce(throng::Builder) -> throng::Builder) -> Throng {
    let mut hashing = HasherConfig::new(NonZeroUsize::MIN);
    // The machine may be busy with other tests.
    hashing.queue_deadline = Duration::from_secs(600);
    let builder = Throng::builder(store.clone())
        .clock(Arc::new(ManualClock::at(NOW.as_micros())) as Arc<dyn Clock>)
        .entropy(Arc::new(SeededEntropy::new(5)))
        .hashing(hashing);
    attach(builder).build().await.unwrap()
}

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

async fn served() -> Served {
    let store = SqliteStore::in_memory().await.unwrap();
    let throng = throng(&store, |builder| builder).await;
    let people = throng.internal_directory("People").await.unwrap();
    let app = throng.ensure_application("mirror", Plan::new().seat(people).unwrap()).await.unwrap();
    let password = Secret::new(app.draw_password().await.unwrap().expose()).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = UserServer::new(throng.clone(), ServerConfig::default()).unwrap();
    tokio::spawn(async move { server.serve(listener, pending()).await });
    Served { throng, store, people, url, password }
}

/// A server that holds the world.
async fn inhabited(world: &World) -> Served {
    let served = served().await;
    let directory = served.people;
    let mut changes = Vec::new();
    for (n, inhabitant) in world.users.iter().enumerate() {
        let user = User {
            external_id: ExternalId::new(format!("u{n}")).unwrap(),
            name: inhabitant.name.clone(),
            profile: inhabitant.profile.clone(),
            active: inhabitant.active,
            attributes: Attributes::new(),
        };
        let credential = inhabitant.password.as_ref().map(|_| credential_of(&inhabitant.name));
        changes.push(Change::AddUser { directory, user, free_in: Vec::new(), credential });
    }
    for (n, team) in world.groups.iter().enumerate() {
        let group = Group {
            external_id: ExternalId::new(format!("g{n}")).unwrap(),
            name: team.name.clone(),
            description: team.description.clone(),
            origin: Origin::Local,
            attributes: Attributes::new(),
        };
        changes.push(Change::AddGroup { directory, group, free_in: Vec::new() });
    }
    for team in &world.groups {
        changes.extend(team.members.iter().map(|member| Change::AddMember {
            directory,
            group: team.name.clone(),
            member: member.clone(),
            cycle: OnCycle::Refuse,
        }));
    }
    served.store.apply(&ChangeSet::new(NOW, changes)).await.unwrap();
    served
}

fn credential_of(name: &Username) -> Credential {
    let (_, hash) =
        HASHES.into_iter().find(|(of, _)| *of == name.as_str()).expect("a hash for each password");
    Credential {
        hash: CredentialState::Usable(
            EncodedHash::new(["$argon2id$v=19$m=19456,t=2,p=1$", hash].concat()).unwrap(),
        ),
        history: Vec::new(),
        changed_at: NOW,
        failed_attempts: 0,
        must_change: false,
    }
}

impl Served {
    fn remote(&self, writes: Writes) -> RemoteDirectory {
        let builder = RemoteDirectory::builder(REMOTE, &self.url, "mirror", self.password.clone());
        builder.writes(writes).build().unwrap()
    }
}

async fn live(world: &World, writes: Writes) -> DirectoryFixture {
    let served = inhabited(world).await;
    DirectoryFixture::new(served.remote(writes)).deriving_display_names().standing_on(served)
}

directory_contract!(read_only, |world| live(world, Writes::Never), powers = [sync]);
directory_contract!(
    read_write,
    |world| live(world, Writes::Allowed),
    powers = [users, groups, members, passwords, sync]
);

/// A mirror of the server in another throng, which writes through.
async fn mirror(world: &World) -> DirectoryFixture {
    let served = inhabited(world).await;
    let source = Arc::new(served.remote(Writes::Allowed));
    let store = SqliteStore::in_memory().await.unwrap();
    let copying = throng(&store, |builder| builder.source("Copy", source)).await;
    let settings = MirroredSettings { writes: MirrorWrites::Through, ..MirroredSettings::default() };
    let copy = copying.mirrored_directory("Copy", settings).await.unwrap();
    let round = copying.sync(copy, SyncRequest::full()).await.unwrap();
    assert!(round.ended.is_some_and(|(_, outcome)| outcome.is_complete()), "{round:?}");
    let directory = copying.open(copy).unwrap();
    DirectoryFixture::new(directory).deriving_display_names().standing_on((served, copying))
}

directory_contract!(mirrored, mirror, powers = [users, groups, members, passwords]);

/// The server as a source, changed behind its back by those whose throng it is.
async fn source(world: &World) -> SyncFixture {
    let served = inhabited(world).await;
    let people = served.throng.open(served.people).unwrap();
    SyncFixture::new(served.remote(Writes::Never))
        .in_one_batch()
        .deriving_display_names()
        .edited_through(people)
        .cursor_of_another(cursor_of_another().await)
        .standing_on(served)
}

/// A cursor of a server with the same history, which is another one all the same.
async fn cursor_of_another() -> Cursor {
    let other = served().await;
    let batch = other.remote(Writes::Never).pull(Pull::Full, None).await.unwrap();
    assert_eq!(batch.next, Next::End(Completeness::Proven));
    batch.cursor.unwrap()
}

sync_contract!(followed, source, with = [cursors, users, groups, members]);
