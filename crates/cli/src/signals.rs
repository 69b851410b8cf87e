//! The signals that end the command in order.

use std::io;

use throng::sync::Stop;

use crate::failure::Failure;

/// What the user, or whatever supervises the process, has asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    /// Set by the first SIGINT or SIGTERM: end in order.
    pub(crate) stop: Stop,
    /// Set by the second: end at once.
    pub(crate) force: Stop,
}

impl Signals {
    /// Begins to listen. From now on no signal is lost.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let mut listener = Listener::new().map_err(Failure::Signals)?;
        let signals = Self::default();
        let told = signals.clone();
        tokio::spawn(async move {
            listener.next().await;
            told.stop.set();
            listener.next().await;
            told.force.set();
        });
        Ok(signals)
    }
}

#[cfg(unix)]
struct Listener {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Listener {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Listener(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Listener {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
