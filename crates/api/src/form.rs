//! The form of an upload: a file, and whether its addresses are to be proxied.

use axum::extract::Multipart;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::http::StatusCode;

use crate::errors::Error;

/// Bytes of an uploaded zone file, form and all: five thousand records of the longest names.
pub(crate) const UPLOAD_BYTES_MAX: usize = 8 << 20;
/// Fields of the form; others than ours are skipped.
const FIELDS_MAX: usize = 16;

/// What was uploaded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) file: String,
    pub(crate) proxied: bool,
}

pub(crate) async fn read(form: Result<Multipart, MultipartRejection>) -> Result<Upload, Error> {
    let mut form = form.map_err(|why| Error::FormMalformed(why.body_text()))?;
    let (mut file, mut proxied) = (None, false);
    for _ in 0..FIELDS_MAX {
        let Some(field) = form.next_field().await.map_err(refused)? else { break };
        match field.name() {
            Some("file") => file = Some(field.text().await.map_err(refused)?),
            Some("proxied") => proxied = field.text().await.map_err(refused)? == "true",
            Some(_) | None => {}
        }
    }
    let file = file.ok_or_else(|| Error::FormMalformed("it has no field named file".into()))?;
    Ok(Upload { file, proxied })
}

fn refused(why: MultipartError) -> Error {
    if why.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Error::BodyTooLarge { limit: UPLOAD_BYTES_MAX }
    } else {
        Error::FormMalformed(why.body_text())
    }
}
