//! A remote directory against a server on loopback that answers whatever a test says, byte for byte.

mod answers;
mod events;
mod logins;
mod probes;
mod pulls;
mod requests;
mod server;
mod tls;
mod writes;
