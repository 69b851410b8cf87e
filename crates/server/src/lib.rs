//! Throng as a Crowd REST user server: the API `usermanagement/1`, which Jira, Confluence and many other clients speak.
//!
//! [`UserServer`] is put together over a [`Throng`](throng_engine::Throng). [`UserServer::router`] is for a host that
//! has a server of its own; [`UserServer::serve`] serves by itself. Who may ask are the applications of the throng:
//! each shows itself by its name and password, and sees and changes what its own plan lets it.
//!
//! Reading order: `routes.rs` (all resources in one table), `server.rs` (what a request passes through), `refusal.rs`
//! (what the engine's errors are to a client), then the resources, a file each.

mod address;
mod answer;
mod authentication;
mod call;
mod config;
mod consumer;
mod entity;
mod events;
mod groups;
mod listing;
mod mail;
mod memberships;
mod openapi;
mod patience;
mod query;
mod refusal;
mod routes;
mod search;
mod server;
mod sessions;
mod shown;
mod users;
mod webhooks;

pub use config::{ConfigError, Cookie, CookieTransport, Hashes, ServerConfig};
pub use mail::{Mail, MailFailed};
pub use openapi::openapi;
pub use server::UserServer;
/// The search language of the clients, for a host that takes searches in it too.
pub use throng_wire::cql;
pub use webhooks::Ping;
