//! A mirror of a scripted source, with everything that its tests say of it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test file uses its own part"
)]

use std::sync::Arc;
use std::time::Duration;

use throng_core::directory::{Directory, UserPatch};
use throng_core::group::{Group, Member, Origin};
use throng_core::id::{DirectoryId, ExternalId};
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::PageRequest;
use throng_core::plan::Plan;
use throng_core::store::Records;
use throng_core::sync::{Batch, Completeness, Item, MirroredSettings, Next, Round};
use throng_core::user::{Profile, User};
use throng_engine::Application;
use throng_engine::sync::SyncRequest;
use throng_testkit::script::ScriptedDirectory;

use crate::common::World;

pub const SOURCE: DirectoryId = DirectoryId::from_bytes([9; 16]);

/// A mirror "Jira" of a scripted source, and an application that asks it alone.
pub struct Mirrored {
    pub world: World,
    pub app: Application,
    pub source: ScriptedDirectory,
    pub mirror: DirectoryId,
}

impl Mirrored {
    pub async fn of(source: ScriptedDirectory) -> Self {
        Self::with(source, MirroredSettings::default()).await
    }

    pub async fn with(source: ScriptedDirectory, settings: MirroredSettings) -> Self {
        let world = World::with(|builder| builder.source("Jira", Arc::new(source.clone()))).await;
        let mirror = world.throng.mirrored_directory("Jira", settings).await.unwrap();
        let plan = Plan::new().seat(mirror).unwrap();
        let app = world.throng.ensure_application("wiki", plan).await.unwrap();
        Self { world, app, source, mirror }
    }

    pub async fn sync(&self) -> Round {
        self.world.clock.advance(Duration::from_secs(60));
        self.world.throng.sync(self.mirror, SyncRequest::default()).await.unwrap()
    }

    pub async fn full(&self) -> Round {
        self.world.clock.advance(Duration::from_secs(60));
        self.world.throng.sync(self.mirror, SyncRequest::full()).await.unwrap()
    }

    pub async fn user(&self, name: &str) -> Option<User> {
        self.world.store.user(self.mirror, &Key::of(name)).await.unwrap()
    }

    pub async fn members(&self, group: &str) -> Vec<String> {
        let page = self.world.store.children(self.mirror, &Key::of(group), &PageRequest::default()).await;
        page.unwrap().items.iter().map(ToString::to_string).collect()
    }

    /// Everything that the mirror holds, in words.
    pub async fn contents(&self) -> Vec<String> {
        contents(&*self.world.store, self.mirror).await
    }

    pub async fn is_like_its_source(&self) {
        assert_eq!(self.contents().await, stated(&self.source).await);
    }
}

pub async fn contents(store: &dyn throng_core::store::Store, directory: DirectoryId) -> Vec<String> {
    let all = throng_core::filter::Filter::everything();
    let mut words = Vec::new();
    let mut request = PageRequest::default();
    loop {
        let page = store.search_users(&[directory], &all, &request).await.unwrap();
        for (_, user) in page.items.into_iter().flat_map(|found| found.holders) {
            words.push(format!(
                "{} {:?}",
                user.external_id,
                (&user.name, &user.profile, user.active, &user.attributes)
            ));
        }
        match page.next {
            Some(next) => request = request.after(next),
            None => break,
        }
    }
    let page = store.search_groups(&[directory], &all, &PageRequest::default()).await.unwrap();
    for (_, group) in page.items.into_iter().flat_map(|found| found.holders) {
        let children = store.children(directory, group.key(), &PageRequest::default()).await.unwrap();
        words.push(format!("{:?} {:?} {:?}", group.name, group.description, group.attributes));
        words.extend(children.items.iter().map(|member| format!("{:?} has {member:?}", group.name)));
    }
    words
}

/// Everything that the source holds, in the same words.
pub async fn stated(source: &ScriptedDirectory) -> Vec<String> {
    let all = throng_core::filter::Filter::everything();
    let page = PageRequest::default();
    let mut words = Vec::new();
    for user in source.find_users(&all, &page).await.unwrap().items {
        words.push(format!(
            "{} {:?}",
            user.external_id,
            (&user.name, &user.profile, user.active, &user.attributes)
        ));
    }
    for group in source.find_groups(&all, &page).await.unwrap().items {
        let children = source.children_of(&group.name, &page).await.unwrap();
        words.push(format!("{:?} {:?} {:?}", group.name, group.description, group.attributes));
        words.extend(children.items.iter().map(|member| format!("{:?} has {member:?}", group.name)));
    }
    words
}

pub fn group_name(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

pub fn username(name: &str) -> Username {
    Username::new(name).unwrap()
}

pub fn user_in(name: &str) -> Member {
    Member::User(username(name))
}

pub fn id(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

pub fn user(external_id: &str, name: &str) -> User {
    User {
        external_id: id(external_id),
        name: username(name),
        profile: Profile::default(),
        active: true,
        attributes: Default::default(),
    }
}

pub fn group(name: &str) -> Group {
    Group {
        external_id: id(&format!("g-{name}")),
        name: group_name(name),
        description: String::new(),
        origin: Origin::Imported,
        attributes: Default::default(),
    }
}

/// A full pull in one batch.
pub fn everything(items: Vec<Item>) -> Batch {
    Batch { items, cursor: None, next: Next::End(Completeness::Proven) }
}

pub fn renamed(name: &str) -> UserPatch {
    UserPatch {
        profile: Some(Profile { display_name: name.into(), ..Profile::default() }),
        ..UserPatch::default()
    }
}

/// A source with users `u0` to `u<count>`, of the ids `i0` and so on, all in the group "all", and each tenth in "some",
/// which is in "all".
pub fn populated(count: usize) -> ScriptedDirectory {
    let source = ScriptedDirectory::new(SOURCE).stating_in_batches_of(3);
    source.put_group("all", "everybody").unwrap();
    source.put_group("some", "").unwrap();
    source.put_member(&group_name("all"), &Member::Group(group_name("some"))).unwrap();
    for number in 0..count {
        let user = user(&format!("i{number}"), &format!("u{number}"));
        source.put_user(user.clone()).unwrap();
        source.put_password(&user.external_id, "a long password");
        source.put_member(&group_name("all"), &Member::User(user.name.clone())).unwrap();
        if number % 10 == 0 {
            source.put_member(&group_name("some"), &Member::User(user.name)).unwrap();
        }
    }
    source
}
