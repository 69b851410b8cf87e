//! Asking a directory that answers by itself: within the deadline, and telling silence from a fault.

use std::time::Duration;

use throng_core::error::{DirectoryError, Fault};
use throng_core::id::DirectoryId;
use throng_core::name::Key;
use throng_core::page::PageRequest;
use throng_core::resolve::{Answer, Memory};

use crate::error::Error;

/// What came back from a directory.
#[derive(Debug)]
pub(crate) enum Heard<T> {
    Said(T),
    Silent,
}

impl<T> Heard<Option<T>> {
    /// As an answer of a walk. A live directory has no mirror, so that its silence remembers nothing.
    pub(crate) fn into_answer(self) -> Answer<T> {
        match self {
            Self::Said(Some(value)) => Answer::Holds(value),
            Self::Said(None) => Answer::Lacks,
            Self::Silent => Answer::Silent(Memory::Nothing),
        }
    }
}

impl<T> Heard<T> {
    /// The answer, where silence can not be borne.
    pub(crate) fn or_unavailable(self, directory: DirectoryId) -> Result<T, Error> {
        match self {
            Self::Said(value) => Ok(value),
            Self::Silent => Err(Error::silent(directory)),
        }
    }
}

/// The page after the one that ended with `next`. A directory whose pages do not advance is not believed for ever
/// (T26).
pub(crate) fn advance(page: &PageRequest, next: Key) -> Result<PageRequest, Error> {
    if page.reaches(&next) {
        Ok(page.after(next))
    } else {
        Err(Error::broken("the pages of a directory do not advance"))
    }
}

/// Waits for a directory's answer. Only unavailability is silence; any other fault surfaces, so that a corrupt answer
/// never hands a name to the next directory.
pub(crate) async fn hear<T>(
    deadline: Duration,
    directory: DirectoryId,
    answer: impl Future<Output = Result<T, DirectoryError>>,
) -> Result<Heard<T>, Error> {
    match tokio::time::timeout(deadline, answer).await {
        Ok(Ok(value)) => Ok(Heard::Said(value)),
        Ok(Err(error)) if error.fault() == Fault::Unavailable => {
            tracing::warn!(%directory, cause = %error, "a directory does not answer");
            Ok(Heard::Silent)
        }
        Ok(Err(error)) => Err(Error::fault_of(error)),
        Err(_) => {
            tracing::warn!(%directory, "a directory does not answer within the deadline");
            Ok(Heard::Silent)
        }
    }
}
