//! DNS records.

use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::handler::Handler;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::RECORDS;
use trimtab_api_types::v1::record::Batched;
use trimtab_model::Permission::{DnsRead, DnsWrite};
use trimtab_model::{Record, RecordId};

use crate::app::App;
use crate::config::{Imported, RecordFilter};
use crate::errors::Error;
use crate::extract::{AtZone, Body, Id, Params};
use crate::form::{self, UPLOAD_BYTES_MAX};
use crate::notices;
use crate::respond::{self, Answer, Reply};
use crate::route::Gives::{Many, Object, One, Text};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::{Base, Route};

const FILTERS: &[&str] = &[
    "type",
    "name",
    "name.exact",
    "name.contains",
    "name.startswith",
    "name.endswith",
    "content",
    "content.exact",
    "content.contains",
    "content.startswith",
    "content.endswith",
    "comment",
    "comment.present",
    "comment.absent",
    "comment.exact",
    "comment.contains",
    "comment.startswith",
    "comment.endswith",
    "tag",
    "tag.present",
    "tag.absent",
    "tag.exact",
    "tag.contains",
    "tag.startswith",
    "tag.endswith",
    "tag_match",
    "proxied",
    "search",
    "match",
    "order",
    "direction",
    "page",
    "per_page",
];

pub(crate) fn routes() -> Vec<Route> {
    let base = Base::RECORDS;
    let one = "/{dns_record_id}";
    let record = One("DnsRecord");
    vec![
        base.route(Get, "", DnsRead, list).says("List records", Many("DnsRecord")).asks(FILTERS),
        base.route(Post, "", DnsWrite, create).says("Create a record", record).takes("DnsRecord"),
        base.route(Get, one, DnsRead, read_one).says("Read a record", record),
        base.route(Put, one, DnsWrite, replace).says("Replace a record", record).takes("DnsRecord"),
        base.route(Patch, one, DnsWrite, patch).says("Change a record", record).takes("DnsRecord"),
        base.route(Delete, one, DnsWrite, delete).says("Delete a record", One("Deleted")),
        base.route(Post, "/batch", DnsWrite, batch)
            .says("Delete, patch, put and post records in one step", One("DnsRecordBatch"))
            .takes("DnsRecordBatch"),
        base.route(Get, "/export", DnsRead, export).says("Write all records as a zone file", Text),
        base.route(
            Post,
            "/import",
            DnsWrite,
            import.layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)),
        )
        .says("Read records from a zone file in a form: file, proxied", Object),
        base.route(Get, "/usage", DnsRead, usage).says("Count records", Object),
        base.route(Post, "/scan", DnsWrite, scan).says("Look for records; finds none", Object),
        base.route(Post, "/scan/trigger", DnsWrite, scan_trigger)
            .says("Look for records; finds none", Object),
        base.route(Get, "/scan/review", DnsRead, scanned)
            .says("List records that were found: none", Many("DnsRecord")),
        base.route(Post, "/scan/review", DnsWrite, review)
            .says("Take or leave records that were found: none", Object),
    ]
}

async fn list(State(app): State<App>, at: AtZone, params: Params) -> Answer<Vec<v1::Record>> {
    let paging = params.paging(RECORDS)?;
    let records = app.config.records(&at.zone, &RecordFilter::read(&params)?).await?;
    let (page, info) = paging.cut(&records);
    Ok(Reply::list((page.iter().map(v1::Record::from).collect(), info)))
}

async fn create(State(app): State<App>, at: AtZone, Body(body): Body) -> Answer<v1::Record> {
    app.config.create_record(&at, &body).await.map(|record| told(&record))
}

/// With what of it does not act.
fn told(record: &Record) -> Reply<v1::Record> {
    Reply::one(v1::Record::from(record)).with_messages(notices::of_record(record))
}

async fn read_one(State(app): State<App>, at: AtZone, Id(id): Id<RecordId>) -> Answer<v1::Record> {
    let record = app.config.record(at.zone.id, id).await?;
    Ok(Reply::one(v1::Record::from(&record)))
}

async fn replace(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<RecordId>,
    Body(body): Body,
) -> Answer<v1::Record> {
    app.config.replace_record(&at, id, &body).await.map(|record| told(&record))
}

async fn patch(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<RecordId>,
    Body(body): Body,
) -> Answer<v1::Record> {
    app.config.patch_record(&at, id, &body).await.map(|record| told(&record))
}

async fn delete(State(app): State<App>, at: AtZone, Id(id): Id<RecordId>) -> Answer<Deleted> {
    app.config.delete_record(&at, id).await?;
    Ok(Reply::deleted(id))
}

async fn batch(State(app): State<App>, at: AtZone, Body(body): Body) -> Answer<Batched> {
    let batched = app.config.batch(&at, &body).await?;
    Ok(Reply::one(batched))
}

async fn export(State(app): State<App>, at: AtZone) -> Result<Response, Error> {
    let settings = &app.settings;
    let (servers, hostmaster) = (&settings.nameservers, settings.hostmaster.as_ref());
    let file = app.config.export(&at.zone, servers, hostmaster).await?;
    Ok(respond::text(file))
}

async fn import(
    State(app): State<App>,
    at: AtZone,
    form: Result<Multipart, MultipartRejection>,
) -> Answer<Imported> {
    let upload = form::read(form).await?;
    let (imported, notices) = app.config.import(&at, upload).await?;
    Ok(Reply::one(imported).with_messages(notices::messages(notices)))
}

/// How many records there are; nothing limits them but the store.
#[derive(Debug, Serialize)]
struct RecordUsage {
    record_quota: Option<u64>,
    record_usage: u64,
}

async fn usage(State(app): State<App>, at: AtZone) -> Answer<RecordUsage> {
    let record_usage = app.config.records_in(at.zone.id).await?;
    Ok(Reply::one(RecordUsage { record_quota: None, record_usage }))
}

/// A scan guesses at names of a zone that is served elsewhere. Here it would find what is here.
async fn scan(_at: AtZone) -> Answer<Imported> {
    Ok(Reply::one(Imported::default()))
}

async fn scan_trigger(_at: AtZone) -> Answer<()> {
    Ok(Reply::one(()))
}

async fn scanned(_at: AtZone) -> Answer<Vec<v1::Record>> {
    Ok(Reply::one(Vec::new()))
}

async fn review(_at: AtZone) -> Answer<Value> {
    Ok(Reply::one(json!({"accepts": [], "rejects": []})))
}
