//! Answers that are successes.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use throng_wire::{Document, Format, write};

use crate::refusal::Refusal;

/// What a handler comes to.
pub(crate) type Outcome = Result<Response, Refusal>;

/// A document.
pub(crate) fn document<T: Document>(format: Format, document: &T) -> Outcome {
    Ok(text(StatusCode::OK, format.media_type(), write(format, document)))
}

/// Something was made; where it is, and the document of it if there is one. Also without one the answer states a type
/// and a length, which a client needs (R23).
pub(crate) fn created<T: Document>(format: Format, location: &str, document: Option<&T>) -> Outcome {
    let body = document.map(|document| write(format, document)).unwrap_or_default();
    let mut response = text(StatusCode::CREATED, format.media_type(), body);
    let location = HeaderValue::try_from(location).map_err(|_| Refusal::unexpected())?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// It was done, and there is nothing to say: neither a body nor a type.
pub(crate) fn nothing() -> Outcome {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A body that is at hand.
pub(crate) fn text(status: StatusCode, media_type: &'static str, body: String) -> Response {
    let length = body.len();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    set(&mut response, header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// A body that comes piece by piece.
pub(crate) fn stream(media_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    set(&mut response, header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn set(response: &mut Response, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}
