//! Who is in which group, from both ends, and the dump of it all.

use std::collections::HashMap;

use axum::body::Body;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use throng_core::filter::{Filter, Property, Test};
use throng_core::group::Group;
use throng_core::name::{GroupName, Key};
use throng_core::page::PageRequest;
use throng_core::resolve::Resolved;
use throng_engine::application::Depth;
use throng_engine::{Application, Error};
use throng_wire::{
    Format, GroupEntity, GroupReference, Membership, MembershipPart, MembershipWriter, Part, PartOutOfOrder,
    UserEntity, UserReference,
};

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::entity::{Detail, Entities};
use crate::listing::{paged, whole};
use crate::refusal::{About, Refusal};

/// The groups of a user, or the one that is asked for.
pub(crate) async fn groups_of_user(call: &Call, depth: Depth) -> Outcome {
    let asked = call.query.named("groupname")?;
    let user = call.user().await?;
    let group = match asked {
        Some(name) => Some(call.group_named(name).await?),
        None => None,
    };
    let memberships = call.app.groups_of(&user, depth).await.map_err(About::Membership.refuse())?;
    let names = memberships.into_iter().map(|membership| membership.group).collect();
    let child = user.value().name.as_str();
    groups(call, names, group, |parent| Refusal::no_membership(child, parent)).await
}

/// Puts a user into a group that the body names.
pub(crate) async fn add_group_to_user(call: &Call) -> Outcome {
    let body: GroupReference = call.document()?;
    let user = call.user().await?;
    let group = call.group_named(&body.name).await.map_err(Refusal::in_body)?;
    let (user_name, group_name) = (user.value().name.as_str(), group.value().name.as_str());
    call.app.add_user_to_group(&user, group_name).await.map_err(About::Membership.refuse())?;
    let parameters = [("username", user_name), ("groupname", group_name)];
    created(call, "/user/group/direct", &parameters)
}

/// The users in a group, or the one that is asked for.
pub(crate) async fn users_of_group(call: &Call, depth: Depth) -> Outcome {
    let asked = call.query.named("username")?;
    let group = call.group_named(call.query.required("groupname")?).await?;
    let name = group.value().name.clone();
    let entities = Entities::listed(call, "user");
    if let Some(asked) = asked {
        let user = call.user_named(asked).await?;
        let is_in = call.app.is_member(&user, name.as_str(), depth).await;
        return if is_in.map_err(About::Membership.refuse())? {
            answer::document(call.format, &entities.resolved_user(&user))
        } else {
            Err(Refusal::no_membership(user.value().name.as_str(), name.as_str()))
        };
    }
    let app = call.app.clone();
    let source = Box::new(move |request: PageRequest| {
        let (app, name) = (app.clone(), name.clone());
        async move { app.members_of(name.as_str(), depth, &request).await }.boxed()
    });
    paged(call, About::Group, call.query.range()?, source, move |user| entities.found_user(user)).await
}

/// Puts a user that the body names into a group.
pub(crate) async fn add_user_to_group(call: &Call) -> Outcome {
    let body: UserReference = call.document()?;
    let group = call.group_named(call.query.required("groupname")?).await?;
    let user = call.user_named(&body.name).await.map_err(Refusal::in_body)?;
    let (user_name, group_name) = (user.value().name.as_str(), group.value().name.as_str());
    call.app.add_user_to_group(&user, group_name).await.map_err(About::Membership.refuse())?;
    let parameters = [("groupname", group_name), ("username", user_name)];
    created(call, "/group/user/direct", &parameters)
}

/// Takes a user out of a group.
pub(crate) async fn remove_user_from_group(call: &Call) -> Outcome {
    let group = call.query.required("groupname")?;
    let user = call.user_named(call.query.required("username")?).await?;
    let group = call.group_named(group).await?;
    let (child, parent) = (user.value().name.as_str(), group.value().name.as_str());
    let removed = call.app.remove_user_from_group(&user, parent).await;
    gone(removed, child, parent)
}

/// The groups in a group, or the one that is asked for.
pub(crate) async fn groups_in_group(call: &Call, depth: Depth) -> Outcome {
    let asked = call.query.named("child-groupname")?;
    let group = call.group_named(call.query.required("groupname")?).await?;
    let parent = group.value().name.as_str();
    let child = match asked {
        Some(name) => Some(call.group_named(name).await?),
        None => None,
    };
    let names = call.app.groups_in(parent, depth).await.map_err(About::Group.refuse())?;
    groups(call, names, child, |child| Refusal::no_membership(child, parent)).await
}

/// The groups that a group is in, or the one that is asked for.
pub(crate) async fn groups_of_group(call: &Call, depth: Depth) -> Outcome {
    let asked = call.query.named("parent-groupname")?;
    let group = call.group_named(call.query.required("groupname")?).await?;
    let child = group.value().name.as_str();
    let parent = match asked {
        Some(name) => Some(call.group_named(name).await?),
        None => None,
    };
    let memberships = call.app.groups_of_group(child, depth).await.map_err(About::Group.refuse())?;
    let names = memberships.into_iter().map(|membership| membership.group).collect();
    groups(call, names, parent, |parent| Refusal::no_membership(child, parent)).await
}

/// Puts a group that the body names into a group.
pub(crate) async fn add_child_group(call: &Call) -> Outcome {
    let (own, other) = own_and_other(call).await?;
    let (parent, child) = (own.value().name.as_str(), other.value().name.as_str());
    call.app.add_group_to_group(child, parent).await.map_err(About::Membership.refuse())?;
    created(call, "/group/child-group/direct", &[("groupname", parent), ("child-groupname", child)])
}

/// Puts a group into one that the body names.
pub(crate) async fn add_parent_group(call: &Call) -> Outcome {
    let (own, other) = own_and_other(call).await?;
    let (child, parent) = (own.value().name.as_str(), other.value().name.as_str());
    call.app.add_group_to_group(child, parent).await.map_err(About::Membership.refuse())?;
    created(call, "/group/parent-group/direct", &[("groupname", child), ("parent-groupname", parent)])
}

/// Takes a group out of a group.
pub(crate) async fn remove_child_group(call: &Call) -> Outcome {
    let child = call.query.required("child-groupname")?;
    let parent = call.group_named(call.query.required("groupname")?).await?;
    let child = call.group_named(child).await?;
    let (child, parent) = (child.value().name.as_str(), parent.value().name.as_str());
    let removed = call.app.remove_group_from_group(child, parent).await;
    gone(removed, child, parent)
}

/// All direct memberships, group by group, as they are read. It is XML whatever is asked for: so it is in Crowd, and
/// JSON has no form of it.
pub(crate) async fn dump(call: &Call) -> Outcome {
    let mut dump = Dump {
        app: call.app.clone(),
        writer: Some(MembershipWriter::new()),
        request: Some(PageRequest::default()),
        groups: Vec::new().into_iter(),
    };
    let begin = MembershipWriter::new().begin();
    let first = match dump.next().await {
        Ok(first) => first.unwrap_or_default(),
        Err(DumpFault::Engine(error)) => return Err(About::Search.refuse()(*error)),
        Err(DumpFault::Order(_)) => return Err(Refusal::unexpected()),
    };
    let permits = call.take_permits();
    let beginning = stream::once(async move { Ok::<_, DumpFault>([begin, first].concat()) });
    let rest = stream::try_unfold((dump, permits), |(mut dump, permits)| async move {
        let next = dump.next().await.inspect_err(|cause| tracing::warn!(%cause, "a dump was broken off"))?;
        Ok(next.map(|piece| (piece, (dump, permits))))
    });
    Ok(answer::stream(Format::Xml.media_type(), Body::from_stream(beginning.chain(rest))))
}

/// Why a dump does not go on. What was sent of it has no end then, which tells that it is not the whole.
#[derive(Debug, thiserror::Error)]
enum DumpFault {
    /// The engine could not say.
    #[error(transparent)]
    Engine(Box<Error>),
    /// What was to be written does not follow what was.
    #[error(transparent)]
    Order(#[from] PartOutOfOrder),
}

impl From<Error> for DumpFault {
    fn from(error: Error) -> Self {
        Self::Engine(Box::new(error))
    }
}

/// What of a dump is still to be read.
struct Dump {
    app: Application,
    /// None once the end was written.
    writer: Option<MembershipWriter>,
    request: Option<PageRequest>,
    groups: std::vec::IntoIter<GroupName>,
}

impl Dump {
    /// How much is put together before it is sent.
    const PIECE_BYTES: usize = 16 << 10;

    /// The next piece, or none when it is over.
    async fn next(&mut self) -> Result<Option<String>, DumpFault> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        let mut piece = String::new();
        while piece.len() < Self::PIECE_BYTES {
            if let Some(group) = self.groups.next() {
                self.put(&group, &mut writer, &mut piece).await?;
            } else if let Some(request) = self.request.take() {
                let page = self.app.search_groups(&Filter::everything(), &request).await?;
                let names: Vec<_> = page.items.into_iter().map(|found| found.value.name).collect();
                self.groups = names.into_iter();
                self.request = page.next.map(|next| request.after(next));
            } else {
                piece.push_str(&writer.end()?);
                return Ok(Some(piece));
            }
        }
        self.writer = Some(writer);
        Ok(Some(piece))
    }

    /// One group, unless it was removed since its name was read.
    async fn put(
        &self,
        group: &GroupName,
        writer: &mut MembershipWriter,
        piece: &mut String,
    ) -> Result<(), DumpFault> {
        let name = group.as_str();
        let children = match self.app.groups_in(name, Depth::Direct).await {
            Err(Error::NotFound { .. }) => return Ok(()),
            children => children?,
        };
        let mut request = PageRequest::default();
        let mut begun = false;
        loop {
            let page = match self.app.members_of(name, Depth::Direct, &request).await {
                Err(Error::NotFound { .. }) if !begun => return Ok(()),
                // What was said of it so far is true no more, and it is too late to take that back.
                page => page?,
            };
            let users = page.items.iter().map(|user| user.value.name.to_string()).collect();
            let (groups, part) = match &page.next {
                Some(_) => (Vec::new(), Part::More),
                None => (children.iter().map(ToString::to_string).collect(), Part::Last),
            };
            let members = Membership { group: name.to_owned(), users, groups };
            piece.push_str(&writer.part(&MembershipPart { members, part })?);
            begun = true;
            match page.next {
                Some(next) => request = request.after(next),
                None => return Ok(()),
            }
        }
    }
}

/// Groups by name, or the one that is asked for among them.
async fn groups(
    call: &Call,
    names: Vec<GroupName>,
    asked: Option<Resolved<Group>>,
    missing: impl Fn(&str) -> Refusal,
) -> Outcome {
    let entities = Entities::listed(call, "group");
    if let Some(asked) = asked {
        return if names.contains(&asked.value().name) {
            answer::document(call.format, &entities.group(asked.value()))
        } else {
            Err(missing(asked.value().name.as_str()))
        };
    }
    let names = call.query.range()?.of(names);
    let all: Vec<GroupEntity> = match entities.detail {
        Detail::Short => names.iter().map(|name| entities.group_named(name.as_str())).collect(),
        Detail::Full | Detail::WithAttributes => {
            let found = groups_named(call, &names).await.map_err(About::Group.refuse())?;
            // Those that are missing were removed since.
            names.iter().filter_map(|name| found.get(name.key())).map(|group| entities.group(group)).collect()
        }
    };
    whole(call, &all)
}

/// Groups by their names, as many at once as a search may name.
async fn groups_named(call: &Call, names: &[GroupName]) -> Result<HashMap<Key, Group>, Error> {
    let mut found = HashMap::with_capacity(names.len());
    for names in names.chunks(Filter::MAX_TERMS) {
        let named = |name: &GroupName| Filter::term(Property::Name, Test::Equals(name.key().clone()));
        let filter = Filter::any(names.iter().map(named).collect())?;
        let mut request = PageRequest::default();
        loop {
            let page = call.app.search_groups(&filter, &request).await?;
            let groups = page.items.into_iter().map(|group| (group.value.key().clone(), group.value));
            found.extend(groups);
            match page.next {
                Some(next) => request = request.after(next),
                None => break,
            }
        }
    }
    Ok(found)
}

/// The group of the address, and the one that the body names.
async fn own_and_other(call: &Call) -> Result<(Resolved<Group>, Resolved<Group>), Refusal> {
    let body: GroupReference = call.document()?;
    let own = call.group_named(call.query.required("groupname")?).await?;
    let other = call.group_named(&body.name).await.map_err(Refusal::in_body)?;
    Ok((own, other))
}

fn created(call: &Call, path: &str, parameters: &[(&str, &str)]) -> Outcome {
    answer::created::<UserEntity>(call.format, &call.url(path, parameters), None)
}

fn gone(removed: Result<(), Error>, child: &str, parent: &str) -> Outcome {
    match removed {
        Ok(()) => answer::nothing(),
        Err(Error::NotFound { .. }) => Err(Refusal::no_membership(child, parent)),
        Err(error) => Err(About::Membership.refuse()(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use throng_core::plan::Plan;
    use throng_core::store::Store;
    use throng_engine::Throng;
    use throng_testkit::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_dump_that_cannot_be_written_is_broken_off_and_leaves_nothing_out() {
        let store = Arc::new(MemoryStore::new()) as Arc<dyn Store>;
        let throng = Throng::over(store).build().await.unwrap();
        let directory = throng.internal_directory("people").await.unwrap();
        let app = throng.ensure_application("wiki", Plan::new().seat(directory).unwrap()).await.unwrap();
        app.create_group("staff", "").await.unwrap();
        let dump = |writer| Dump {
            app: app.clone(),
            writer: Some(writer),
            request: Some(PageRequest::default()),
            groups: Vec::new().into_iter(),
        };
        let piece = dump(MembershipWriter::new()).next().await.unwrap().unwrap();
        assert!(piece.contains("\"staff\"") && piece.ends_with("</memberships>"), "{piece}");
        let mut writer = MembershipWriter::new();
        let members = Membership { group: "crew".to_owned(), ..Membership::default() };
        writer.part(&MembershipPart { members, part: Part::More }).unwrap();
        let broken = dump(writer).next().await;
        assert!(matches!(broken, Err(DumpFault::Order(_))), "{broken:?}");
    }
}
