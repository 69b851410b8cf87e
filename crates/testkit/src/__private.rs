//! What the macros need, and nobody else.

use std::future::Future;

/// Runs a case on a runtime of its own, so that a crate that stamps a contract needs none.
pub fn run<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a test can start a runtime")
        .block_on(case)
}
