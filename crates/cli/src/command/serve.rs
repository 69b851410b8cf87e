//! `throng serve`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use throng::core::id::DirectoryId;
use throng::core::sync::Round;
use throng::core::time::Timestamp;
use throng::server::UserServer;
use throng::sync::Stop;
use throng::{Error, Recovery, Throng};
use tokio::net::TcpListener;

use crate::arguments::Where;
use crate::config::moment_of;
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::password;
use crate::place::Place;
use crate::signals::Signals;

use super::sync::in_short;

/// Where it is listened without a word about it: on this machine alone, at the port of Crowd.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8095);

/// How often it is looked for what other processes, such as `throng application add`, have configured.
const LOOK: Duration = Duration::from_secs(5);

/// After how many looks the times of logins are written down: about once a minute.
const LOOKS: u32 = 12;

/// How long rounds that are under way may take to end when the server ends; what is left is made up for by the next.
const LAST_ROUNDS: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    at: Where,
    /// The address to listen on, port 0 for any; goes before the one in the file [default: 127.0.0.1:8095]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Let a recovery administrator in before everybody else, with the password in this file, until the server ends;
    /// goes before the one in the configuration file
    #[arg(long, value_name = "FILE")]
    recovery_password_file: Option<PathBuf>,
    /// When the recovery administrator ends, such as 2027-01-31T08:00:00Z [default: with the server]
    #[arg(long, value_name = "MOMENT", requires = "recovery_password_file", value_parser = moment)]
    recovery_until: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    moment_of(text).ok_or_else(|| "a moment is written as `2027-01-31T08:00:00Z`".to_owned())
}

#[derive(Serialize)]
struct Listening {
    listening: SocketAddr,
}

pub(crate) async fn run(arguments: &Serve, output: &Output) -> Result<(), Failure> {
    let place = Place::find(&arguments.at)?;
    let throng = place.open_with_recovery(recovery(arguments, &place)?).await?;
    let server = UserServer::new(throng.clone(), place.config.server.clone())?;
    let checked = place.config.check(&throng)?;
    let listen = arguments.listen.or(place.config.listen).unwrap_or(LISTEN);
    let cannot = |error| Failure::Listen(listen, error);
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let listening = listener.local_addr().map_err(cannot)?;
    let signals = Signals::listen()?;
    checked.apply(&throng).await?;
    if let Some(recovery) = throng.recovery() {
        note(&format_args!("throng: warning: the {recovery}; it can log in everywhere"));
    }
    if !listening.ip().is_loopback() {
        note(&"throng: passwords reach this address in clear text unless a proxy with TLS stands in front");
    }
    output.answer(&format_args!("listening on http://{listening}"), &Listening { listening })?;

    let ending = Stop::new();
    let rounds = tokio::spawn({
        let (throng, ending) = (throng.clone(), ending.clone());
        async move { throng.keep_in_sync(&ending, |directory, ended| tell(&throng, directory, ended)).await }
    });
    let upkeep = tokio::spawn(keep_up(throng.clone()));
    let served = tokio::select! {
        served = server.serve(listener, signals.stop.wait()) => served.map_err(Failure::Serve),
        () = signals.force.wait() => Err(Failure::Interrupted),
    };
    ending.set();
    upkeep.abort();
    tokio::select! {
        // Whatever became of the task, there is nothing more to wait for.
        _ = tokio::time::timeout(LAST_ROUNDS, rounds) => {}
        () = signals.force.wait() => return Err(Failure::Interrupted),
    }
    let kept = throng.maintain().await;
    served?;
    Ok(kept?)
}

/// The recovery administrator that is to be on, by the command line or else by the file.
fn recovery(arguments: &Serve, place: &Place) -> Result<Option<Recovery>, Failure> {
    let Some(file) = &arguments.recovery_password_file else { return Ok(place.config.recovery()?) };
    let recovery = Recovery::new(password::from_file(file)?);
    Ok(Some(match arguments.recovery_until {
        Some(until) => recovery.until(until),
        None => recovery,
    }))
}

/// Tells how a round ended.
fn tell(throng: &Throng, directory: DirectoryId, ended: Result<Round, Error>) {
    let directories = throng.directories();
    let named = directories.iter().find(|record| record.id == directory);
    let name = named.map_or_else(|| directory.to_string(), |record| record.name.to_string());
    match ended {
        Ok(round) => note(&format_args!("{name:?}: {}", in_short(&round))),
        Err(error) => note(&format_args!("throng: {name:?}: a round could not begin: {error}")),
    }
}

/// Does what is to be done now and then, for as long as it is let.
async fn keep_up(throng: Throng) {
    let mut looks = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        looks += 1;
        let done = match throng.reload().await {
            Ok(()) if looks % LOOKS == 0 => throng.maintain().await,
            done => done,
        };
        if let Err(error) = done {
            note(&format_args!("throng: upkeep: {error}"));
        }
    }
}
