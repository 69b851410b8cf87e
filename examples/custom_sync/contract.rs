//! One named test for each documented behaviour: `cargo test --example custom_sync`.

use throng::core::group::Group;
use throng::core::id::ExternalId;
use throng::core::user::User;
use throng_testkit::contract::directory::World;
use throng_testkit::contract::sync::SyncFixture;

async fn of(world: &World) -> SyncFixture {
    let people = world.users.iter().map(|person| {
        let id = ExternalId::of_name(person.name.key()).unwrap();
        let (profile, active) = (person.profile.clone(), person.active);
        User { profile, active, ..User::named(id, person.name.clone()) }
    });
    let teams = world.groups.iter().map(|team| {
        let group = Group::imported(ExternalId::of_name(team.name.key()).unwrap(), team.name.clone());
        (Group { description: team.description.clone(), ..group }, team.members.clone())
    });
    SyncFixture::new(super::roster(people.collect(), teams.collect()))
}

throng_testkit::sync_contract!(roster, of, with = []);
