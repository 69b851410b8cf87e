//! Searches, by a query or by a document.

use futures_util::FutureExt;
use throng_core::filter::Filter;
use throng_core::page::PageRequest;
use throng_wire::{EntityKind, QueryError, Restriction, cql};

use crate::answer::Outcome;
use crate::call::Call;
use crate::entity::Entities;
use crate::listing::paged;
use crate::refusal::{About, Refusal};
use crate::shown;

/// Searches by a text in the search language. An empty one finds everything.
pub(crate) async fn by_text(call: &Call) -> Outcome {
    let kind = kind(call)?;
    let filter = match call.query.value("restriction").map(str::trim) {
        None | Some("") => Filter::everything(),
        Some(text) => cql::parse(text, kind)?,
    };
    search(call, kind, filter).await
}

/// Searches by a document. None finds everything.
pub(crate) async fn by_document(call: &Call) -> Outcome {
    let kind = kind(call)?;
    let filter = match call.optional_document::<Restriction>()? {
        None => Filter::everything(),
        Some(restriction) => restriction.to_filter(kind)?,
    };
    search(call, kind, filter).await
}

async fn search(call: &Call, kind: EntityKind, filter: Filter) -> Outcome {
    let (range, app) = (call.query.range()?, call.app.clone());
    match kind {
        EntityKind::User => {
            let filter = shown::search(&filter).map_err(QueryError::from)?;
            let entities = Entities::listed(call, "user");
            let source = Box::new(move |request: PageRequest| {
                let (app, filter) = (app.clone(), filter.clone());
                async move { app.search_users(&filter, &request).await }.boxed()
            });
            paged(call, About::Search, range, source, move |user| entities.found_user(user)).await
        }
        EntityKind::Group => {
            let entities = Entities::listed(call, "group");
            let source = Box::new(move |request: PageRequest| {
                let (app, filter) = (app.clone(), filter.clone());
                async move { app.search_groups(&filter, &request).await }.boxed()
            });
            paged(call, About::Search, range, source, move |group| entities.group(&group.value)).await
        }
    }
}

fn kind(call: &Call) -> Result<EntityKind, Refusal> {
    let text = call.query.required("entity-type")?;
    EntityKind::of(text)
        .ok_or_else(|| Refusal::argument("the parameter entity-type is neither user nor group"))
}
