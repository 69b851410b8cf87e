//! Attributes of users and groups.

use throng_core::attribute::{Attributes, InvalidAttribute};

use crate::document::Body;
use crate::entity::link::Link;
use crate::error::DocumentError;
use crate::node::{Fields, Node};
use crate::writer::Writer;

/// A list of attributes, with or without links.
///
/// 1. Of an entity that was not asked for its attributes, the list is empty and the link says where they are.
/// 2. As the body of a request, it replaces the values of the attributes that it names.
/// 3. An attribute that is named twice is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributesEntity {
    /// Where the attributes are.
    pub link: Option<Link>,
    /// The attributes, in the order of the document.
    pub attributes: Vec<AttributeEntity>,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeEntity {
    /// Where the attribute is.
    pub link: Option<Link>,
    /// The name.
    pub name: String,
    /// The values; empty to remove the attribute.
    pub values: Vec<String>,
}

impl AttributesEntity {
    /// The attributes as a directory holds them, if they keep its limits.
    pub fn to_attributes(&self) -> Result<Attributes, InvalidAttribute> {
        let mut attributes = Attributes::new();
        for attribute in &self.attributes {
            attributes.set(attribute.name.as_str(), attribute.values.clone())?;
        }
        Ok(attributes)
    }

    /// Takes a field that holds attributes.
    pub(crate) fn take_field(fields: &mut Fields, name: &'static str) -> Result<Self, DocumentError> {
        match fields.take(&[name])? {
            None => Ok(Self::default()),
            Some(Node::List(items)) => {
                let items = items.into_iter().map(|item| item.into_fields(name)).collect::<Result<_, _>>()?;
                Ok(Self { link: None, attributes: take_items(items)? })
            }
            Some(node) => Self::take(None, node.into_fields(name)?),
        }
    }

    /// Writes a field that holds attributes.
    pub(crate) fn put_field(&self, name: &'static str, out: &mut Writer) {
        out.part(name);
        self.put(out);
        out.end();
    }
}

impl Body for AttributesEntity {
    const ROOT: &'static str = "attributes";

    fn take(_root: Option<&str>, mut fields: Fields) -> Result<Self, DocumentError> {
        let link = Link::take(&mut fields)?;
        Ok(Self { link, attributes: take_items(fields.parts(&["attribute", "attributes"])?)? })
    }

    fn put(&self, out: &mut Writer) {
        Link::put(self.link.as_ref(), out);
        out.list("attributes");
        for attribute in &self.attributes {
            out.item("attribute");
            out.attribute("name", &attribute.name);
            Link::put(attribute.link.as_ref(), out);
            out.texts("values", "value", &attribute.values);
            out.end();
        }
        out.end_list();
    }
}

fn take_items(items: Vec<Fields>) -> Result<Vec<AttributeEntity>, DocumentError> {
    let attributes = items.into_iter().map(take_item).collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(DocumentError::Duplicate("attribute"));
    }
    Ok(attributes)
}

fn take_item(mut fields: Fields) -> Result<AttributeEntity, DocumentError> {
    Ok(AttributeEntity {
        link: Link::take(&mut fields)?,
        name: fields.required_text(&["name"])?,
        values: take_values(&mut fields)?,
    })
}

fn take_values(fields: &mut Fields) -> Result<Vec<String>, DocumentError> {
    let items = match fields.take(&["values"])? {
        None => return Ok(Vec::new()),
        Some(Node::List(items)) => items,
        Some(node) => {
            let mut values = node.into_fields("values")?;
            match values.items(&["value"])? {
                Some(items) => items,
                None if values.is_blank() => Vec::new(),
                None => return Err(DocumentError::Invalid("values")),
            }
        }
    };
    items.into_iter().map(|item| item.into_text("value")).collect()
}
