//! What is refused, and the one map from the engine's errors to statuses and reasons.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use throng_core::directory::Refusal as Refused;
use throng_engine::Error;
use throng_engine::error::{Conflict, Denial, Invalid, Outage};
use throng_wire::{DocumentError, ErrorEntity, Format, QueryError, Reason, write};

/// An answer that is no success: a status, and an entity with a reason and a message.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    retry_after: Option<Duration>,
    /// What may be done with a resource that does not do what was asked.
    allow: Option<String>,
}

/// What a call was about, which decides what its errors mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A user.
    User,
    /// A group.
    Group,
    /// That one is in the other.
    Membership,
    /// Whether somebody is who they say.
    Authentication,
    /// A session.
    Session,
    /// A webhook.
    Webhook,
    /// A search, or a list.
    Search,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: Reason, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), retry_after: None, allow: None }
    }

    /// A parameter or a document that is not what it should be.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Reason::IllegalArgument, message)
    }

    /// Something unexpected; what it was is for the log.
    pub(crate) fn unexpected() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Reason::OperationFailed, "an internal fault")
    }

    /// More than is done at once.
    pub(crate) fn busy() -> Self {
        Self {
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Reason::OperationFailed,
                "too much is going on; please try again",
            )
        }
    }

    pub(crate) fn status(status: StatusCode, message: &'static str) -> Self {
        Self::new(status, Reason::OperationFailed, message)
    }

    pub(crate) fn not_allowed(allow: String) -> Self {
        let refusal = Self::status(StatusCode::METHOD_NOT_ALLOWED, "the resource does not do this");
        Self { allow: Some(allow), ..refusal }
    }

    pub(crate) fn no_user(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, Reason::UserNotFound, format!("User <{name}> does not exist"))
    }

    pub(crate) fn no_group(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, Reason::GroupNotFound, format!("Group <{name}> does not exist"))
    }

    pub(crate) fn no_membership(child: &str, parent: &str) -> Self {
        let message = format!("The child entity <{child}> is not a member of the parent <{parent}>");
        Self::new(StatusCode::NOT_FOUND, Reason::MembershipNotFound, message)
    }

    /// The same, where it was the body and not the address that named what is missing.
    pub(crate) fn in_body(self) -> Self {
        match self.status {
            StatusCode::NOT_FOUND => Self { status: StatusCode::BAD_REQUEST, ..self },
            _ => self,
        }
    }

    /// What an error of the engine is to a client.
    pub(crate) fn of(error: &Error, about: About) -> Self {
        let message = error.to_string();
        let new = |status, reason| Self::new(status, reason, message.clone());
        match error {
            Error::NotFound { .. } => new(StatusCode::NOT_FOUND, about.missing()),
            Error::Denied { why, .. } => Self::of_denial(why, message),
            Error::Unavailable { why: Outage::Overloaded { retry_after }, .. } => {
                Self { retry_after: Some(*retry_after), ..Self::busy() }
            }
            Error::Unavailable { why: Outage::Directories(_) | Outage::Store(_), .. } => {
                new(StatusCode::SERVICE_UNAVAILABLE, Reason::OperationFailed)
            }
            Error::Conflict(conflict) => match conflict {
                Conflict::NameTaken | Conflict::NameReserved => {
                    new(StatusCode::BAD_REQUEST, about.malformed())
                }
                // To somebody who logs in, a name of two is a name of nobody (T42).
                Conflict::AmbiguousName | Conflict::OwnershipChanged(_) if about == About::Authentication => {
                    Self::wrong_credential()
                }
                Conflict::AlreadyMember => new(StatusCode::CONFLICT, Reason::MembershipAlreadyExists),
                Conflict::Cycle => new(StatusCode::BAD_REQUEST, Reason::InvalidMembership),
                Conflict::AmbiguousName
                | Conflict::OwnershipChanged(_)
                | Conflict::Shadowed
                | Conflict::Stale
                | Conflict::PlanStale
                | Conflict::DirectoryKind
                | Conflict::Synchronising
                | Conflict::RecoveryName { .. }
                | Conflict::PreviewStale
                | Conflict::LastAdministrator(_)
                | Conflict::NotListed(_)
                | Conflict::MoveBlocked(_)
                | Conflict::Moving
                | Conflict::MoveOpen(_)
                | Conflict::MoveUnpurged(_)
                | Conflict::PasswordsPending(_)
                | Conflict::MoveState(_)
                | Conflict::MoveStopped
                | Conflict::DirectoryActive => new(StatusCode::CONFLICT, Reason::OperationFailed),
            },
            Error::Forbidden(_) => new(StatusCode::FORBIDDEN, Reason::ApplicationPermissionDenied),
            Error::Invalid(invalid) => match invalid {
                Invalid::Name(_) | Invalid::Profile(_) | Invalid::Attribute(_) | Invalid::Text(_) => {
                    new(StatusCode::BAD_REQUEST, about.malformed())
                }
                Invalid::RefusedByDirectory(_) => new(StatusCode::BAD_REQUEST, about.malformed()),
                Invalid::Password(_) | Invalid::Policy(_) | Invalid::PasswordReused | Invalid::Hash(_) => {
                    new(StatusCode::BAD_REQUEST, Reason::InvalidCredential)
                }
                Invalid::NoNesting => new(StatusCode::BAD_REQUEST, Reason::NestedGroupsNotSupported),
                Invalid::Filter(_) | Invalid::TooMany(_) => {
                    new(StatusCode::BAD_REQUEST, Reason::IllegalArgument)
                }
                Invalid::Limit(_) => new(StatusCode::INTERNAL_SERVER_ERROR, Reason::OperationFailed),
                Invalid::Label(_)
                | Invalid::Plan(_)
                | Invalid::Import(_)
                | Invalid::Schedule(_)
                | Invalid::Setting(_)
                | Invalid::NoAliases => new(StatusCode::BAD_REQUEST, Reason::IllegalArgument),
            },
            Error::Broken(_) => Self::unexpected(),
        }
    }

    /// One answer for whatever a stranger must not tell apart; inactive and expired are told by the engine only where
    /// the password was right, or where the plan copies Crowd (T42, Q02).
    fn of_denial(why: &Denial, message: String) -> Self {
        match why {
            Denial::Refused { why: Refused::Inactive, .. } => {
                Self::new(StatusCode::BAD_REQUEST, Reason::InactiveAccount, "the account is inactive")
            }
            Denial::Refused { why: Refused::PasswordExpired, .. } => {
                Self::new(StatusCode::FORBIDDEN, Reason::ExpiredCredential, "the password must be changed")
            }
            Denial::Refused {
                why:
                    Refused::WrongPassword
                    | Refused::Locked
                    | Refused::NoPassword
                    | Refused::HashQuarantined
                    | Refused::GoneAtSource
                    | Refused::AccountQuarantined,
                ..
            }
            | Denial::Name(_)
            | Denial::Password(_)
            | Denial::Unknown
            | Denial::Ambiguous
            | Denial::ApplicationClosed
            | Denial::Consumer => Self::wrong_credential(),
            Denial::NotAdmitted => Self::new(StatusCode::FORBIDDEN, Reason::ApplicationAccessDenied, message),
            Denial::Session => {
                Self::new(StatusCode::BAD_REQUEST, Reason::InvalidSsoToken, "Token does not validate.")
            }
        }
    }

    /// The words are those of recorded answers (R23).
    fn wrong_credential() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            Reason::InvalidUserAuthentication,
            "Failed to authenticate principal, password was invalid",
        )
    }

    pub(crate) fn into_response(self, format: Format) -> Response {
        let body = write(format, &ErrorEntity::new(self.reason, self.message));
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

impl About {
    fn missing(self) -> Reason {
        match self {
            Self::User | Self::Authentication => Reason::UserNotFound,
            Self::Group => Reason::GroupNotFound,
            Self::Membership => Reason::MembershipNotFound,
            Self::Session => Reason::InvalidSsoToken,
            Self::Webhook => Reason::WebhookNotFound,
            Self::Search => Reason::OperationFailed,
        }
    }

    fn malformed(self) -> Reason {
        match self {
            Self::User | Self::Authentication => Reason::InvalidUser,
            Self::Group => Reason::InvalidGroup,
            Self::Membership | Self::Session | Self::Webhook | Self::Search => Reason::IllegalArgument,
        }
    }

    /// What an error of a call about this is to a client.
    pub(crate) fn refuse(self) -> impl Fn(Error) -> Refusal {
        move |error| {
            let refusal = Refusal::of(&error, self);
            if refusal.status.is_server_error() {
                tracing::warn!(cause = %error, source = ?std::error::Error::source(&error), "a request failed");
            }
            refusal
        }
    }
}

impl From<DocumentError> for Refusal {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::TooLong => Self::status(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"),
            error => Self::argument(error.to_string()),
        }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self::argument(error.to_string())
    }
}
