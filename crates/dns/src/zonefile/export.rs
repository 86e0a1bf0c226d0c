//! From records to text that other name servers read, and that comes back as the same records.

use std::fmt::Write;

use trimtab_model::{Name, Record};

use super::Remark;
use crate::rdata;
use crate::zone::Authority;

/// The whole zone: SOA and name servers first, then the records in the order they are given.
pub fn export<'r>(
    apex: &Name,
    authority: &Authority,
    records: impl IntoIterator<Item = &'r Record>,
) -> String {
    let soa = &authority.soa;
    let mut text = format!(
        "$ORIGIN {apex}.\n{apex}.\t{}\tIN\tSOA\t{}. {}. {} {} {} {} {}\n",
        soa.ttl, soa.mname, soa.rname, soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum
    );
    for server in &authority.nameservers {
        push_line(&mut text, format_args!("{apex}.\t86400\tIN\tNS\t{server}."));
    }
    for record in records {
        let Record { name, ttl, kind, .. } = record;
        let data = rdata::display_file(record.kind, &record.rdata.0)
            .unwrap_or_else(|| generic(&record.rdata.0));
        let remark = Remark::write(record);
        push_line(&mut text, format_args!("{name}.\t{ttl}\tIN\t{kind}\t{data}{remark}"));
    }
    text
}

fn push_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    writeln!(text, "{line}").unwrap_or(());
}

/// RFC 3597 section 5.
fn generic(rdata: &[u8]) -> String {
    format!("\\# {} {}", rdata.len(), domain::utils::base16::encode_string(rdata))
}
