//! Custom certificates of a zone.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::CERTIFICATES;
use trimtab_model::Permission::{CertificatesRead, CertificatesWrite};
use trimtab_model::{Certificate, CertificateId};

use crate::app::App;
use crate::extract::{AtZone, Body, Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::{Base, Route};

pub(crate) fn routes() -> Vec<Route> {
    let (base, read, write) = (Base::CERTIFICATES, CertificatesRead, CertificatesWrite);
    let one = "/{custom_certificate_id}";
    let certificate = One("CustomCertificate");
    vec![
        base.route(Get, "", read, list)
            .says("List certificates, the one that wins first", Many("CustomCertificate"))
            .asks(&["status", "match", "page", "per_page"]),
        base.route(Post, "", write, create)
            .says("Upload a certificate with its chain and its private_key", certificate)
            .takes("CustomCertificate"),
        base.route(Put, "/prioritize", write, prioritize).says(
            "Say which certificates win over others: certificates, each with id and priority",
            Many("CustomCertificate"),
        ),
        base.route(Get, one, read, read_one).says("Read a certificate", certificate),
        base.route(Patch, one, write, patch)
            .says("Change a certificate, or upload its successor", certificate)
            .takes("CustomCertificate"),
        base.route(Delete, one, write, delete).says("Delete a certificate", One("Deleted")),
    ]
}

async fn list(State(app): State<App>, at: AtZone, params: Params) -> Answer<Vec<v1::Certificate>> {
    let paging = params.paging(CERTIFICATES)?;
    let mut certificates = app.config.certificates(at.zone.id).await?;
    // A status that no certificate can have here finds none.
    if let Some(status) = params.find("status") {
        certificates.retain(|one| one.facts.status(app.now()).word() == status);
    }
    let (page, info) = paging.cut(&certificates);
    Ok(Reply::list((page.iter().map(|one| render(&app, one)).collect(), info)))
}

async fn create(State(app): State<App>, at: AtZone, Body(body): Body) -> Answer<v1::Certificate> {
    let certificate = app.config.create_certificate(&at, &body).await?;
    Ok(Reply::one(render(&app, &certificate)))
}

async fn read_one(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<CertificateId>,
) -> Answer<v1::Certificate> {
    let certificate = app.config.certificate(at.zone.id, id).await?;
    Ok(Reply::one(render(&app, &certificate)))
}

async fn patch(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<CertificateId>,
    Body(body): Body,
) -> Answer<v1::Certificate> {
    let certificate = app.config.patch_certificate(&at, id, &body).await?;
    Ok(Reply::one(render(&app, &certificate)))
}

async fn prioritize(
    State(app): State<App>,
    at: AtZone,
    Body(body): Body,
) -> Answer<Vec<v1::Certificate>> {
    let certificates = app.config.prioritize_certificates(&at, &body).await?;
    Ok(Reply::one(certificates.iter().map(|one| render(&app, one)).collect()))
}

async fn delete(State(app): State<App>, at: AtZone, Id(id): Id<CertificateId>) -> Answer<Deleted> {
    app.config.delete_certificate(&at, id).await?;
    Ok(Reply::deleted(id))
}

fn render(app: &App, certificate: &Certificate) -> v1::Certificate {
    v1::Certificate::new(certificate, app.now())
}
