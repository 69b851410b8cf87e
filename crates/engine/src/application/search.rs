//! Searching over all directories: merged in the order of names, each name once.

use std::collections::BTreeMap;

use async_trait::async_trait;
use throng_core::directory::Directory;
use throng_core::error::{DirectoryError, StoreError};
use throng_core::filter::{Filter, Property, Test};
use throng_core::group::Group;
use throng_core::id::DirectoryId;
use throng_core::name::{GroupName, Key, Username};
use throng_core::page::{Page, PageRequest};
use throng_core::plan::SearchScope;
use throng_core::resolve::{Answer, Occurrence};
use throng_core::store::{Namesakes, Store};
use throng_core::user::User;

use super::Application;
use crate::ask::{advance, hear};
use crate::config::InUse;
use crate::directory::Via;
use crate::error::Error;

impl Application {
    /// Searches users.
    ///
    /// 1. In the order of names, each name once, with the directory that it comes from (R240, R241).
    /// 2. Only the canonical occurrence of a name is looked at: a filter that matches a shadowed copy alone finds
    ///    nothing (Q04), unless the plan's rules copy Crowd.
    /// 3. [`Error::Unavailable`] when a directory is silent: never a part that looks like the whole (R243).
    /// 4. Pages continue after the last name: what changes meanwhile neither repeats nor hides anything else.
    pub async fn search_users(
        &self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Occurrence<User>>, Error> {
        self.search::<User>(filter, page).await
    }

    /// Searches groups, with the behaviours of [`Application::search_users`].
    pub async fn search_groups(
        &self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Occurrence<Group>>, Error> {
        self.search::<Group>(filter, page).await
    }

    async fn search<E: Searched>(
        &self,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Occurrence<E>>, Error> {
        let app = self.in_use()?;
        let (mut found, mut request) = (Vec::new(), page.clone());
        loop {
            let (names, next) = self.candidates::<E>(&app, filter, &request).await?;
            for holders in names.into_values() {
                found.extend(self.choose(&app, filter, holders).await?);
            }
            match next {
                Some(next) if found.len() <= page.limit() => request = advance(&request, next)?,
                _ => {
                    return Ok(Page::cut(found, page.limit(), |occurrence| occurrence.value.key()));
                }
            }
        }
    }

    /// The next names that may concern the search, with the holders that are known, by rank; and the key to go on
    /// after.
    async fn candidates<E: Searched>(
        &self,
        app: &InUse,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<(BTreeMap<Key, BTreeMap<usize, E>>, Option<Key>), Error> {
        let store = &*self.throng.0.store;
        let mut names: BTreeMap<Key, BTreeMap<usize, E>> = BTreeMap::new();
        let stored = E::search(store, &app.stored, filter, page).await?;
        let mut boundary = stored.next;
        for namesakes in stored.items {
            let holders = by_rank(app, namesakes.holders);
            names.entry(namesakes.key).or_default().extend(holders);
        }
        for (rank, seat, mount) in app.seats() {
            if mount.stored().is_some() {
                continue;
            }
            let Via::Live(live) = &mount.via else {
                return Err(Error::silent(seat.directory));
            };
            let part = hear(self.throng.0.deadline, seat.directory, E::find(&**live, filter, page)).await?;
            let part = part.or_unavailable(seat.directory)?;
            if let Some(next) = part.next {
                boundary = Some(boundary.map_or(next.clone(), |boundary| boundary.min(next)));
            }
            // What lies before the page was shown already, whatever the directory makes of the request.
            for entity in part.items.into_iter().filter(|entity| page.reaches(entity.key())) {
                names.entry(entity.key().clone()).or_default().insert(rank, entity);
            }
        }
        if let Some(boundary) = &boundary {
            names.retain(|key, _| key <= boundary);
        }
        let unknown: Vec<Key> = match app.is_all_stored() {
            true => vec![],
            false => names.keys().cloned().collect(),
        };
        for namesakes in E::namesakes(store, &app.stored, &unknown).await? {
            let holders = by_rank(app, namesakes.holders);
            names.entry(namesakes.key).or_default().extend(holders);
        }
        Ok((names, boundary))
    }

    /// The occurrence of a name that the search shows, if any.
    async fn choose<E: Searched>(
        &self,
        app: &InUse,
        filter: &Filter,
        holders: BTreeMap<usize, E>,
    ) -> Result<Option<Occurrence<E>>, Error> {
        let chosen = match app.plan.rules().search {
            SearchScope::AnyOccurrence => holders.into_iter().find(|(_, entity)| entity.passes(filter)),
            SearchScope::Canonical => {
                let Some((first, entity)) = holders.into_iter().next() else {
                    return Ok(None);
                };
                let shadowed = self.is_held_above(app, first, &entity).await?;
                (!shadowed && entity.passes(filter)).then_some((first, entity))
            }
        };
        let seat = |rank: usize| app.plan.seats().get(rank).map(|seat| seat.directory);
        Ok(chosen.and_then(|(rank, value)| Some(Occurrence { directory: seat(rank)?, value })))
    }

    /// Whether a live directory above a rank holds the name, too, though it was no match there.
    async fn is_held_above<E: Searched>(&self, app: &InUse, rank: usize, entity: &E) -> Result<bool, Error> {
        for (_, seat, mount) in app.seats().take_while(|(above, ..)| *above < rank) {
            if let Via::Live(live) = &mount.via {
                let heard = hear(self.throng.0.deadline, seat.directory, entity.is_in(&**live)).await?;
                if heard.or_unavailable(seat.directory)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn by_rank<E>(app: &InUse, holders: Vec<(DirectoryId, E)>) -> impl Iterator<Item = (usize, E)> {
    holders.into_iter().filter_map(|(directory, entity)| Some((app.plan.rank(directory)?, entity)))
}

/// What can be searched for: users and groups, in the same way.
#[async_trait]
pub(super) trait Searched: Sized + Send + Sync {
    /// What it is called.
    type Name: Send + Sync;
    fn key_of(name: &Self::Name) -> &Key;
    fn key(&self) -> &Key;
    fn passes(&self, filter: &Filter) -> bool;
    async fn is_in(&self, directory: &dyn Directory) -> Result<bool, DirectoryError>;
    async fn find(
        directory: &dyn Directory,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Self>, DirectoryError>;
    async fn search(
        store: &dyn Store,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<Self>>, StoreError>;
    async fn namesakes(
        store: &dyn Store,
        directories: &[DirectoryId],
        keys: &[Key],
    ) -> Result<Vec<Namesakes<Self>>, Error>;
    /// Asks one directory of the plan about a name.
    async fn ask(
        application: &Application,
        app: &InUse,
        directory: DirectoryId,
        name: &Self::Name,
    ) -> Result<Answer<Self>, Error>;
}

#[async_trait]
impl Searched for User {
    type Name = Username;

    fn key_of(name: &Username) -> &Key {
        name.key()
    }

    fn key(&self) -> &Key {
        Self::key(self)
    }

    fn passes(&self, filter: &Filter) -> bool {
        filter.matches_user(self)
    }

    async fn is_in(&self, directory: &dyn Directory) -> Result<bool, DirectoryError> {
        let name: &Username = &self.name;
        Ok(directory.user(name).await?.is_some())
    }

    async fn find(
        directory: &dyn Directory,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Self>, DirectoryError> {
        directory.find_users(filter, page).await
    }

    async fn search(
        store: &dyn Store,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<Self>>, StoreError> {
        store.search_users(directories, filter, page).await
    }

    async fn namesakes(
        store: &dyn Store,
        directories: &[DirectoryId],
        keys: &[Key],
    ) -> Result<Vec<Namesakes<Self>>, Error> {
        if keys.is_empty() { Ok(vec![]) } else { Ok(store.namesakes(directories, keys).await?) }
    }

    async fn ask(
        application: &Application,
        app: &InUse,
        directory: DirectoryId,
        name: &Username,
    ) -> Result<Answer<Self>, Error> {
        application.ask_user(app, directory, name, &mut Vec::new()).await
    }
}

#[async_trait]
impl Searched for Group {
    type Name = GroupName;

    fn key_of(name: &GroupName) -> &Key {
        name.key()
    }

    fn key(&self) -> &Key {
        Self::key(self)
    }

    fn passes(&self, filter: &Filter) -> bool {
        filter.matches_group(self)
    }

    async fn is_in(&self, directory: &dyn Directory) -> Result<bool, DirectoryError> {
        let name: &GroupName = &self.name;
        Ok(directory.group(name).await?.is_some())
    }

    async fn find(
        directory: &dyn Directory,
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Self>, DirectoryError> {
        directory.find_groups(filter, page).await
    }

    async fn search(
        store: &dyn Store,
        directories: &[DirectoryId],
        filter: &Filter,
        page: &PageRequest,
    ) -> Result<Page<Namesakes<Self>>, StoreError> {
        store.search_groups(directories, filter, page).await
    }

    async fn namesakes(
        store: &dyn Store,
        directories: &[DirectoryId],
        keys: &[Key],
    ) -> Result<Vec<Namesakes<Self>>, Error> {
        let mut all = Vec::with_capacity(keys.len());
        for keys in keys.chunks(Filter::MAX_TERMS) {
            let named = |key: &Key| Filter::term(Property::Name, Test::Equals(key.clone()));
            let filter = Filter::any(keys.iter().map(named).collect())?;
            let mut request = PageRequest::default();
            loop {
                let page = store.search_groups(directories, &filter, &request).await?;
                all.extend(page.items);
                match page.next {
                    Some(next) => request = request.after(next),
                    None => break,
                }
            }
        }
        Ok(all)
    }

    async fn ask(
        application: &Application,
        app: &InUse,
        directory: DirectoryId,
        name: &GroupName,
    ) -> Result<Answer<Self>, Error> {
        application.ask_group(app, directory, name, &mut Vec::new()).await
    }
}
