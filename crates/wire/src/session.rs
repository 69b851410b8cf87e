//! Sessions, what opens them, and the cookie that carries them.

use throng_core::secret::Secret;
use throng_core::time::Timestamp;

use crate::document::Body;
use crate::entity::link::Link;
use crate::entity::password::PasswordBody;
use crate::entity::user::UserEntity;
use crate::error::DocumentError;
use crate::node::{Fields, Node};
use crate::writer::Writer;

/// Most validation factors: clients send two.
const MAX_FACTORS: usize = 64;

/// Who asks for a session.
#[derive(Debug, Clone)]
pub struct AuthenticationContext {
    /// The name, not checked.
    pub username: String,
    /// The password, unless it is left out because the application vouches for the user.
    pub password: Option<PasswordBody>,
    /// Where the user is.
    pub factors: ValidationFactors,
}

/// What a session is bound to. It may be empty.
///
/// At most 64 are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidationFactors {
    /// The factors, in the order of the document, which makes no difference.
    pub factors: Vec<ValidationFactor>,
}

/// One thing that a session is bound to, such as `remote_address`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidationFactor {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A session.
#[derive(Debug, Clone)]
pub struct SessionEntity {
    /// What opens it: opaque.
    pub token: Secret,
    /// Whose it is, in short or in full.
    pub user: UserEntity,
    /// Where the session is. Since it holds the token it is kept as one.
    pub link: Option<Secret>,
    /// When it was made, to the millisecond.
    pub created: Option<Timestamp>,
    /// When it ends, to the millisecond.
    pub expiry: Option<Timestamp>,
}

/// How an application sets the cookie of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieConfig {
    /// The domain of the cookie; empty counts as none.
    pub domain: Option<String>,
    /// Whether the cookie goes over TLS only.
    pub secure: bool,
    /// The name of the cookie.
    pub name: String,
}

impl Body for AuthenticationContext {
    const ROOT: &'static str = "authentication-context";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let username = fields.required_text(&["username", "userName", "name"])?;
        let password = fields.text(&["password"])?.map(PasswordBody::new);
        let factors = match fields.take(&["validation-factors", "validationFactors"])? {
            None => ValidationFactors::default(),
            Some(Node::List(items)) => ValidationFactors::of_items(items)?,
            Some(node) => ValidationFactors::take(None, node.into_fields("validation-factors")?)?,
        };
        Ok(Self { username, password, factors })
    }

    fn put(&self, out: &mut Writer) {
        out.text("username", &self.username);
        out.optional_text("password", self.password.as_ref().map(PasswordBody::clear));
        out.part("validation-factors");
        self.factors.put(out);
        out.end();
    }
}

impl ValidationFactors {
    fn of_items(items: Vec<Node>) -> Result<Self, DocumentError> {
        if items.len() > MAX_FACTORS {
            return Err(DocumentError::Invalid("validation-factors"));
        }
        let factors = items.into_iter().map(|item| {
            let mut fields = item.into_fields("validation-factor")?;
            Ok(ValidationFactor {
                name: fields.required_text(&["name"])?,
                value: fields.required_text(&["value"])?,
            })
        });
        Ok(Self { factors: factors.collect::<Result<_, _>>()? })
    }
}

impl Body for ValidationFactors {
    const ROOT: &'static str = "validation-factors";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let items = fields.items(&["validationFactors", "validation-factor", "validationFactor"])?;
        Self::of_items(items.unwrap_or_default())
    }

    fn put(&self, out: &mut Writer) {
        out.list("validationFactors");
        for factor in &self.factors {
            out.item("validation-factor");
            out.text("name", &factor.name);
            out.text("value", &factor.value);
            out.end();
        }
        out.end_list();
    }
}

impl Body for SessionEntity {
    const ROOT: &'static str = "session";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let token = fields.required_text(&["token"])?;
        let token = Secret::new(token).map_err(|_| DocumentError::Invalid("token"))?;
        let user = fields.part(&["user"])?.ok_or(DocumentError::Missing("user"))?;
        let link = Link::take(&mut fields)?;
        Ok(Self {
            token,
            user: UserEntity::take(None, user)?,
            link: link.and_then(|link| Secret::new(link.href).ok()),
            created: fields.time(&["created-date", "createdDate"])?,
            expiry: fields.time(&["expiry-date", "expiryDate"])?,
        })
    }

    fn put(&self, out: &mut Writer) {
        out.attribute("expand", "user");
        out.text("token", self.token.expose());
        out.part("user");
        self.user.put(out);
        out.end();
        Link::put(self.link.as_ref().map(|link| Link::own(link.expose())).as_ref(), out);
        out.time("created-date", self.created);
        out.time("expiry-date", self.expiry);
    }
}

impl Body for CookieConfig {
    const ROOT: &'static str = "cookie-config";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        Ok(Self {
            domain: fields.text(&["domain"])?.filter(|domain| !domain.is_empty()),
            secure: fields.flag(&["secure"])?.ok_or(DocumentError::Missing("secure"))?,
            name: fields.required_text(&["name"])?,
        })
    }

    fn put(&self, out: &mut Writer) {
        out.optional_text("domain", self.domain.as_deref());
        out.flag("secure", self.secure);
        out.text("name", &self.name);
    }
}
