//! The documents of Crowd's REST API `usermanagement/1`, as JSON and as XML: read within limits, written in the
//! recorded order.
//!
//! 1. [`read()`] and [`write()`] take whole documents, which are the types of this crate; both formats go through one
//!    tree, so that a document means the same in either (T80).
//! 2. [`ListReader`] and [`MembershipReader`] take long answers piece by piece, in memory bounded by one entry; only
//!    their `finish` proves that nothing is missing. [`ListWriter`] and [`MembershipWriter`] write such answers.
//! 3. [`cql`] reads the search language, [`Restriction`] the search body; both become
//!    [`Filter`](throng_core::filter::Filter)s.
//!
//! There is no HTTP here and no I/O. What is read is not checked beyond the format: whether a name is one, is for core
//! to say.
//!
//! ```
//! use throng_wire::{Format, NewUser, read};
//!
//! let body = r#"{"name":"anna","active":"true","password":{"value":"coffee before noon"}}"#;
//! let anna: NewUser = read(Format::Json, body.as_bytes())?;
//! assert_eq!((anna.name.as_str(), anna.active), ("anna", Some(true)));
//! # Ok::<(), throng_wire::DocumentError>(())
//! ```

pub mod cql;
mod date;
mod document;
mod entity;
mod error;
mod event;
mod fault;
mod format;
mod json;
mod list;
mod membership;
mod node;
mod query;
mod restriction;
mod session;
mod webhook;
mod writer;
mod xml;

pub use document::{Document, Limits, read, read_within, write};
pub use entity::attribute::{AttributeEntity, AttributesEntity};
pub use entity::group::{GroupBody, GroupDetail, GroupEntity, GroupReference};
pub use entity::link::{Link, Rel};
pub use entity::password::PasswordBody;
pub use entity::rename::NewName;
pub use entity::user::{NewUser, ProfileChange, UserDetail, UserEntity, UserReference, UserUpdate};
pub use error::DocumentError;
pub use event::{Event, Events, Operation};
pub use fault::{ErrorEntity, Reason};
pub use format::{Format, UnsupportedMediaType};
pub use list::{BadEntry, Entry, Groups, ListReader, ListWriter, Users};
pub use membership::{Membership, MembershipPart, MembershipReader, MembershipWriter, Part, PartOutOfOrder};
pub use query::{EntityKind, QueryError};
pub use restriction::{MatchMode, PropertyRestriction, PropertyType, Restriction};
pub use session::{AuthenticationContext, CookieConfig, SessionEntity, ValidationFactor, ValidationFactors};
pub use webhook::Webhook;
pub use xml::escape::can_hold;
