//! `throng application`.

use serde::Serialize;
use throng::core::consumer::Network;
use throng::core::id::ApplicationId;
use throng::{Application, ApplicationSecret, Error, Plan, Throng};

use crate::arguments::{AddApplication, List};
use crate::failure::Failure;
use crate::output::{Output, Row};
use crate::place::{Place, directory};
use crate::signals::Signals;

#[derive(Serialize)]
struct Added<'a> {
    name: &'a str,
    id: ApplicationId,
    password: &'a str,
}

/// One application in the list.
#[derive(Serialize)]
struct Listed {
    name: String,
    active: bool,
    order: Vec<String>,
    addresses: Vec<Network>,
}

impl Row for Listed {
    const COLUMNS: &'static [&'static str] = &["application", "active", "asks in this order", "may ask from"];

    fn cells(&self) -> Vec<String> {
        let addresses: Vec<String> = self.addresses.iter().map(Network::to_string).collect();
        let active = if self.active { "yes" } else { "no" };
        vec![self.name.clone(), active.to_owned(), self.order.join(", "), addresses.join(", ")]
    }
}

pub(crate) async fn add(arguments: &AddApplication, output: &Output) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let throng = Place::find(&arguments.at)?.open().await?;
    if throng.application(name).is_ok() {
        return Err(Failure::Present { what: "application", name: name.to_owned() });
    }
    let mut plan = Plan::new();
    for name in &arguments.directories {
        plan = plan.seat(directory(&throng, name)?.id).map_err(Error::from)?;
    }
    // From here on a signal interrupts nothing half-way.
    let _signals = Signals::listen()?;
    let application = throng.ensure_application(name, plan).await?;
    let told = match draw(&application, &arguments.addresses).await {
        Ok(drawn) => {
            let added = Added { name, id: application.id(), password: drawn.expose() };
            output.answer(&added.password, &added)
        }
        Err(error) => Err(error.into()),
    };
    if told.is_err() {
        // An application whose password nobody has would only be in the way of the next try.
        throng.remove_application(application.id()).await?;
    }
    told
}

pub(crate) async fn list(arguments: &List, output: &Output) -> Result<(), Failure> {
    let throng = Place::find(&arguments.at)?.open().await?;
    let applications = throng.applications();
    let listed = applications.iter().map(|application| listed(&throng, application));
    output.list(&listed.collect::<Result<Vec<_>, _>>()?)
}

async fn draw(application: &Application, addresses: &[Network]) -> Result<ApplicationSecret, Error> {
    if !addresses.is_empty() {
        application.allow_addresses(addresses.to_vec()).await?;
    }
    application.draw_password().await
}

fn listed(throng: &Throng, application: &Application) -> Result<Listed, Failure> {
    let record = application.record()?;
    let directories = throng.directories();
    let name_of = |id| {
        let directory = directories.iter().find(|directory| directory.id == id);
        directory.map_or_else(|| id.to_string(), |directory| directory.name.to_string())
    };
    Ok(Listed {
        name: record.name.to_string(),
        active: record.active,
        order: record.plan.seats().iter().map(|seat| name_of(seat.directory)).collect(),
        addresses: application.addresses()?,
    })
}
