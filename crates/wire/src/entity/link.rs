//! Links.

use crate::error::DocumentError;
use crate::node::Fields;
use crate::writer::Writer;

/// Where a resource is, or is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The URL.
    pub href: String,
    /// What it is for.
    pub rel: Rel,
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rel {
    /// The resource that carries the link.
    Own,
    /// Where it is edited.
    Edit,
}

impl Link {
    /// A link of a resource to itself.
    pub fn own(href: impl Into<String>) -> Self {
        Self { href: href.into(), rel: Rel::Own }
    }

    /// A link to where something is edited.
    pub fn edit(href: impl Into<String>) -> Self {
        Self { href: href.into(), rel: Rel::Edit }
    }

    /// Takes the first link of a known purpose. One without an `href` is as good as none.
    pub(crate) fn take(fields: &mut Fields) -> Result<Option<Self>, DocumentError> {
        let mut found = None;
        for mut link in fields.parts(&["link"])? {
            let rel = match link.text(&["rel"])?.as_deref() {
                Some("self") | None => Rel::Own,
                Some("edit") => Rel::Edit,
                Some(_) => continue,
            };
            found = found.or(link.text(&["href"])?.map(|href| Self { href, rel }));
        }
        Ok(found)
    }

    pub(crate) fn put(link: Option<&Self>, out: &mut Writer) {
        let Some(link) = link else { return };
        out.part("link");
        out.attribute("rel", link.rel.as_str());
        out.attribute("href", &link.href);
        out.end();
    }
}

impl Rel {
    /// The word in the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Edit => "edit",
        }
    }
}
