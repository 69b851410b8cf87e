//! Making the database as the file says, once all of it has been looked at.

use throng::core::id::DirectoryId;
use throng::core::registry::{DirectoryKind, DirectoryRecord, Label};
use throng::core::sync::MirroredSettings;
use throng::{Error, Plan, Throng};

use super::{At, Config, ConfigError, ConfigFault, Mirror, Order};

/// A file that the database can be made to follow.
#[derive(Debug)]
pub(crate) struct Checked<'c>(&'c Config);

impl Config {
    /// Compares the file with the database.
    ///
    /// 1. [`ConfigFault::OtherKind`] when a directory of the file is there and of another kind.
    /// 2. [`ConfigFault::UnknownDirectory`] when an order names a directory that is in neither.
    /// 3. [`ConfigFault::OtherOrder`] when an application asks in an order that does not begin the one of the file:
    ///    that would change who a name means, which is not for a start of the server to do.
    pub(crate) fn check(&self, throng: &Throng) -> Result<Checked<'_>, ConfigError> {
        for name in &self.directories {
            self.check_kind(throng, name, |kind| matches!(kind, DirectoryKind::Internal(_)))?;
        }
        for mirror in &self.mirrors {
            self.check_kind(throng, &mirror.name, |kind| matches!(kind, DirectoryKind::Mirrored(_)))?;
        }
        for application in &self.applications {
            for directory in &application.order {
                let name = &directory.value;
                if !self.describes(name) && throng.directory(name.as_str()).is_err() {
                    return Err(self.at(directory.line, ConfigFault::UnknownDirectory(name.to_string())));
                }
            }
            if !begins_alike(throng, application) {
                let name = application.name.value.to_string();
                return Err(self.at(application.name.line, ConfigFault::OtherOrder(name)));
            }
        }
        Ok(Checked(self))
    }

    fn check_kind(
        &self,
        throng: &Throng,
        name: &At<Label>,
        is_same: impl FnOnce(&DirectoryKind) -> bool,
    ) -> Result<(), ConfigError> {
        match throng.directory(name.value.as_str()) {
            Ok(record) if !is_same(&record.kind) => {
                Err(self.at(name.line, ConfigFault::OtherKind(name.value.to_string())))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn describes(&self, name: &Label) -> bool {
        let mirrors = self.mirrors.iter().map(|mirror| &mirror.name);
        self.directories.iter().chain(mirrors).any(|described| described.value.key() == name.key())
    }
}

impl Checked<'_> {
    /// Makes what is missing, and gives mirrors the settings of the file. What the file does not speak of stays.
    pub(crate) async fn apply(&self, throng: &Throng) -> Result<(), Error> {
        for name in &self.0.directories {
            throng.internal_directory(name.value.as_str()).await?;
        }
        for mirror in &self.0.mirrors {
            make_mirror(throng, mirror).await?;
        }
        for application in &self.0.applications {
            make_application(throng, application).await?;
        }
        Ok(())
    }
}

async fn make_mirror(throng: &Throng, mirror: &Mirror) -> Result<(), Error> {
    let name = mirror.name.value.as_str();
    let Ok(record) = throng.directory(name) else {
        throng.mirrored_directory(name, mirror.over(&MirroredSettings::default())).await?;
        return Ok(());
    };
    let DirectoryKind::Mirrored(former) = &record.kind else { return Ok(()) };
    let settings = mirror.over(former);
    if settings == **former {
        return Ok(());
    }
    let kind = DirectoryKind::Mirrored(Box::new(settings));
    throng.update_directory(DirectoryRecord { kind, ..(*record).clone() }).await
}

async fn make_application(throng: &Throng, application: &Order) -> Result<(), Error> {
    let mut order: Vec<DirectoryId> = Vec::new();
    for directory in &application.order {
        order.push(throng.directory(directory.value.as_str())?.id);
    }
    let name = application.name.value.as_str();
    let plan = order.iter().try_fold(Plan::new(), |plan, directory| plan.seat(*directory))?;
    let made = throng.ensure_application(name, plan).await?;
    let present = made.record()?.plan.seats().len();
    if present == order.len() {
        return Ok(());
    }
    let further = order.get(present..).unwrap_or_default();
    made.change_plan(|plan| further.iter().try_fold(plan, |plan, directory| plan.seat(*directory))).await
}

/// Whether the order that an application has is the beginning of the one of the file.
fn begins_alike(throng: &Throng, application: &Order) -> bool {
    let Ok(present) = throng.application(application.name.value.as_str()).and_then(|found| found.record())
    else {
        return true;
    };
    let seats = present.plan.seats();
    let ids = application
        .order
        .iter()
        .map(|name| throng.directory(name.value.as_str()).ok().map(|record| record.id));
    seats.len() <= application.order.len()
        && seats.iter().zip(ids).all(|(seat, id)| id == Some(seat.directory))
}
