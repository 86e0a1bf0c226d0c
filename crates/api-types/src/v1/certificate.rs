//! Custom certificates of a zone on the wire. Chain and key come in and never go out.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::certificate::{
    self as model, BundleMethod, CERTIFICATES_MAX, CHAIN_CHARS_MAX, CertificateFacts,
    CertificateSource, CertificateStatus, CertificateType, GeoRestriction, KEY_CHARS_MAX,
    POLICY_CHARS_MAX, PRIORITY_MAX,
};
use trimtab_model::{CertificateId, Problems, SecretPem, Timestamp, ZoneId};
use utoipa::ToSchema;

use crate::body::{self, Node, Object, id, line, text, whole, word};
use crate::draft;

/// A certificate as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = CustomCertificate)]
pub struct Certificate {
    #[schema(value_type = String)]
    pub id: CertificateId,
    #[schema(value_type = String)]
    pub zone_id: ZoneId,
    #[schema(value_type = String)]
    pub status: CertificateStatus,
    pub hosts: Vec<String>,
    pub issuer: String,
    pub signature: String,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: CertificateType,
    #[schema(value_type = String)]
    pub bundle_method: BundleMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo_restrictions: Option<GeoRestrictions>,
    /// Written as `policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_restrictions: Option<String>,
    pub priority: u32,
    #[schema(value_type = String)]
    pub uploaded_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
    #[schema(value_type = String)]
    pub expires_on: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<CertificateExtension>,
}

/// Of a certificate that was not uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CertificateExtension {
    /// `acme`: this node orders it and its successors.
    #[schema(value_type = String)]
    pub source: CertificateSource,
}

/// Where a key may be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GeoRestrictions {
    #[schema(value_type = String)]
    pub label: GeoRestriction,
}

/// A checked body. Whether chain and key are what they should be is for those to say who load them.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateDraft {
    pub chain_pem: String,
    pub key_pem: SecretPem,
    kind: CertificateType,
    bundle_method: BundleMethod,
    geo_restriction: Option<GeoRestriction>,
    policy: Option<String>,
}

trimtab_model::words! {
    /// Where a certificate goes; there is one place.
    Deploy { Production = "production" }
}

const RESET_BY_NULL: &[&str] = &["geo_restrictions", "policy_restrictions"];

/// Reads the body of a POST.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<CertificateDraft, Problems> {
    body::read(body, |body| {
        let chain = body.required("certificate", chain);
        let key = body.required("private_key", key);
        let kind = body.or("type", CertificateType::LegacyCustom, word);
        certificate(body, chain, key, kind)
    })
}

/// Reads the body of a PATCH: what it does not name stays, the key too.
///
/// # Errors
/// Every problem of what the certificate would become.
pub fn patch(current: &model::Certificate, body: &Value) -> Result<CertificateDraft, Problems> {
    // The status is not read, so the time does not matter.
    let rendered = Certificate::new(current, current.modified_on);
    let mut fields = draft::merged(&rendered, body, RESET_BY_NULL)?;
    if body.get("policy").is_some_and(Value::is_null) {
        fields.remove("policy_restrictions");
    }
    body::read(&Value::Object(fields), |body| {
        let chain = body.or("certificate", current.chain_pem.clone(), chain);
        let key = body.or("private_key", current.key_pem.clone(), key);
        let kind = body.or("type", current.kind, word);
        if kind.is_some_and(|kind| kind != current.kind) {
            body.refuse("type", "type cannot be changed");
        }
        certificate(body, chain, key, kind)
    })
}

/// Reads the body of `prioritize`.
///
/// # Errors
/// Every problem of the body.
pub fn read_priorities(body: &Value) -> Result<Vec<(CertificateId, u32)>, Problems> {
    let mut seen = BTreeSet::new();
    body::read(body, |body| {
        body.required("certificates", |node| {
            node.list("certificates", 1..=CERTIFICATES_MAX, |item| priority(item, &mut seen))
        })
    })
}

// === impl Certificate ===

impl Certificate {
    pub fn new(certificate: &model::Certificate, now: Timestamp) -> Certificate {
        let facts = &certificate.facts;
        Certificate {
            id: certificate.id,
            zone_id: certificate.zone,
            status: facts.status(now),
            hosts: facts.hosts.clone(),
            issuer: facts.issuer.clone(),
            signature: facts.signature.clone(),
            kind: certificate.kind,
            bundle_method: certificate.bundle_method,
            geo_restrictions: certificate.geo_restriction.map(|label| GeoRestrictions { label }),
            policy_restrictions: certificate.policy.clone(),
            priority: certificate.priority,
            uploaded_on: certificate.uploaded_on,
            modified_on: certificate.modified_on,
            expires_on: facts.expires_on,
            trimtab: (certificate.source != CertificateSource::Upload)
                .then_some(CertificateExtension { source: certificate.source }),
        }
    }
}

// === impl CertificateDraft ===

impl CertificateDraft {
    /// `facts` are what the chain says.
    pub fn into_new(
        self,
        (id, zone): (CertificateId, ZoneId),
        facts: CertificateFacts,
        priority: u32,
        now: Timestamp,
    ) -> model::Certificate {
        model::Certificate {
            id,
            zone,
            source: CertificateSource::Upload,
            chain_pem: self.chain_pem,
            key_pem: self.key_pem,
            facts,
            kind: self.kind,
            bundle_method: self.bundle_method,
            geo_restriction: self.geo_restriction,
            policy: self.policy,
            priority,
            uploaded_on: now,
            modified_on: now,
        }
    }

    /// Is there another chain or key to look at?
    pub fn uploads(&self, current: &model::Certificate) -> bool {
        self.chain_pem != current.chain_pem || self.key_pem != current.key_pem
    }

    /// The certificate in place of `current`, and whether anything changed. If nothing did, no time moves.
    pub fn onto(
        self,
        current: &model::Certificate,
        facts: CertificateFacts,
        now: Timestamp,
    ) -> (model::Certificate, bool) {
        let uploads = self.uploads(current);
        let place = (current.id, current.zone);
        let mut new = self.into_new(place, facts, current.priority, current.uploaded_on);
        if !uploads {
            new.source = current.source;
        }
        new.modified_on = current.modified_on;
        let changed = new != *current;
        if changed {
            new.modified_on = now;
        }
        if uploads {
            new.uploaded_on = now;
        }
        (new, changed)
    }
}

fn certificate(
    body: &mut Object<'_>,
    chain_pem: Option<String>,
    key_pem: Option<SecretPem>,
    kind: Option<CertificateType>,
) -> Option<CertificateDraft> {
    let bundle_method = body.or("bundle_method", BundleMethod::Ubiquitous, word);
    let deploy = body.or("deploy", Deploy::Production, word);
    let geo_restriction = body.optional("geo_restrictions", geo_restriction);
    // Clients write the first name and read the second.
    let name = if body.has("policy") { "policy" } else { "policy_restrictions" };
    let policy = body.or(name, String::new(), line(POLICY_CHARS_MAX));
    let extension = body.optional("trimtab", extension);
    deploy?;
    extension?;
    Some(CertificateDraft {
        chain_pem: chain_pem?,
        key_pem: key_pem?,
        kind: kind?,
        bundle_method: bundle_method?,
        geo_restriction: geo_restriction?,
        policy: policy.map(|policy| Some(policy).filter(|policy| !policy.is_empty()))?,
    })
}

/// Kept with the ends of lines that PEM has everywhere, so that the same chain is the same text.
fn chain(node: &mut Node<'_>) -> Option<String> {
    text(CHAIN_CHARS_MAX)(node).map(|text| plain_lines(&text))
}

/// Its refusals repeat nothing of it.
fn key(node: &mut Node<'_>) -> Option<SecretPem> {
    text(KEY_CHARS_MAX)(node).map(|text| SecretPem::new(plain_lines(&text)))
}

fn plain_lines(pem: &str) -> String {
    let mut text = pem.trim().replace("\r\n", "\n");
    text.push('\n');
    text
}

/// What was read may be written back, and says nothing.
fn extension(node: &mut Node<'_>) -> Option<()> {
    let mut fields = node.object()?;
    let source = fields.optional("source", word::<CertificateSource>);
    fields.refuse_all_but(&["source"]);
    source.map(|_| ())
}

fn geo_restriction(node: &mut Node<'_>) -> Option<GeoRestriction> {
    node.object()?.required("label", word)
}

fn priority(
    node: &mut Node<'_>,
    seen: &mut BTreeSet<CertificateId>,
) -> Option<(CertificateId, u32)> {
    let mut fields = node.object()?;
    let id = fields.required("id", id("certificate"));
    let priority = fields.required("priority", whole(0..=PRIORITY_MAX));
    if let Some(id) = id
        && !seen.insert(id)
    {
        fields.refuse("id", format_args!("duplicate certificate: {id}"));
    }
    Some((id?, priority?))
}

#[cfg(test)]
mod tests;
