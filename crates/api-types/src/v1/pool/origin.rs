//! The endpoints of a pool on the wire.

use std::collections::BTreeSet;

use serde::Serialize;
use trimtab_model::pool::{self as model, Address, ORIGIN_TEXT_CHARS_MAX, ORIGINS_MAX};
use trimtab_model::{Timestamp, pool::Weight};
use utoipa::ToSchema;

use crate::body::{Node, Object, flag, line, shown, weight, whole};
use crate::number::Number;

/// One endpoint. Fields without `Option` are always there, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Origin {
    pub name: String,
    #[schema(value_type = String)]
    pub address: Address,
    pub enabled: bool,
    /// Only while disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub disabled_at: Option<Timestamp>,
    #[schema(value_type = f64)]
    pub weight: Number,
    pub port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HostHeader>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_network_id: Option<String>,
    pub flatten_cname: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<TrimtabOrigin>,
}

/// What the hosted API has no field for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrimtabOrigin {
    /// MX questions are answered with the endpoint's host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mx: Option<Mx>,
    /// SRV questions are answered with the endpoint's host name and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srv: Option<Srv>,
}

/// RFC 1035 section 3.3.9.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mx {
    pub priority: u16,
}

/// RFC 2782.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
}

/// The one header that an endpoint can have of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HostHeader {
    #[serde(rename = "Host")]
    pub host: Vec<String>,
}

/// What tells two endpoints of a pool apart.
pub(super) type Key<'a> = (&'a Address, u16, Option<&'a str>);

/// Names and keys of the endpoints read so far.
#[derive(Default)]
struct Seen {
    names: BTreeSet<String>,
    keys: BTreeSet<(Address, u16, Option<String>)>,
}

pub(super) fn key(origin: &model::Origin) -> Key<'_> {
    (&origin.address, origin.port, origin.virtual_network_id.as_deref())
}

pub(super) fn list(node: &mut Node<'_>) -> Option<Vec<model::Origin>> {
    let mut seen = Seen::default();
    node.list("origin", 1..=ORIGINS_MAX, |item| origin(item, &mut seen))
}

// === impl Origin ===

impl From<&model::Origin> for Origin {
    fn from(origin: &model::Origin) -> Origin {
        Origin {
            name: origin.name.clone(),
            address: origin.address.clone(),
            enabled: origin.enabled,
            disabled_at: origin.disabled_at,
            weight: Number(origin.weight.share()),
            port: origin.port,
            header: origin.host.clone().map(|host| HostHeader { host: vec![host] }),
            virtual_network_id: origin.virtual_network_id.clone(),
            flatten_cname: origin.flatten_cname,
            trimtab: origin.service.map(TrimtabOrigin::from),
        }
    }
}

// === impl TrimtabOrigin ===

impl From<model::Service> for TrimtabOrigin {
    fn from(service: model::Service) -> TrimtabOrigin {
        match service {
            model::Service::Mx { priority } => {
                TrimtabOrigin { mx: Some(Mx { priority }), srv: None }
            }
            model::Service::Srv { priority, weight } => {
                TrimtabOrigin { mx: None, srv: Some(Srv { priority, weight }) }
            }
        }
    }
}

fn origin(node: &mut Node<'_>, seen: &mut Seen) -> Option<model::Origin> {
    let mut fields = node.object()?;
    let name = fields.or("name", String::new(), line(ORIGIN_TEXT_CHARS_MAX));
    let address = fields.required("address", address);
    let enabled = fields.or("enabled", true, flag);
    let weight = fields.or("weight", Weight::ONE, weight(1));
    let port = fields.or("port", 0, whole(0..=u16::MAX));
    let host = fields.optional("header", host_header);
    let network = fields.or("virtual_network_id", String::new(), line(ORIGIN_TEXT_CHARS_MAX));
    let flatten_cname = fields.or("flatten_cname", true, flag);
    let service = fields.or("trimtab", None, service);
    let network = network.map(|id| Some(id).filter(|id| !id.is_empty()));
    if let Some(name) = name.as_ref().filter(|name| !name.is_empty())
        && !seen.names.insert(name.clone())
    {
        fields.refuse("name", format_args!("duplicate origin name: {}", shown(name)));
    }
    if let (Some(address), Some(port), Some(network)) = (&address, port, &network)
        && !seen.keys.insert((address.clone(), port, network.clone()))
    {
        fields.refuse("address", format_args!("duplicate origin address: {address}"));
    }
    if let (Some(Some(service)), Some(address), Some(port)) = (service, &address, port) {
        refuse_nameless(&mut fields, service, address, port);
    }
    Some(model::Origin {
        name: name?,
        address: address?,
        enabled: enabled?,
        disabled_at: None,
        weight: weight?,
        port: port?,
        host: host?.flatten(),
        virtual_network_id: network?,
        flatten_cname: flatten_cname?,
        service: service?,
    })
}

fn service(node: &mut Node<'_>) -> Option<Option<model::Service>> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["mx", "srv"]);
    let mx = fields.optional("mx", |node| {
        let mut fields = node.object()?;
        fields.refuse_all_but(&["priority"]);
        Some(model::Service::Mx { priority: fields.required("priority", whole(0..=u16::MAX))? })
    });
    let srv = fields.optional("srv", |node| {
        let mut fields = node.object()?;
        fields.refuse_all_but(&["priority", "weight"]);
        let priority = fields.required("priority", whole(0..=u16::MAX));
        let weight = fields.or("weight", 0, whole(0..=u16::MAX));
        Some(model::Service::Srv { priority: priority?, weight: weight? })
    });
    if let (Some(Some(_)), Some(Some(_))) = (mx, srv) {
        fields.refuse("srv", "an endpoint is either mx or srv");
    }
    Some(mx?.or(srv?))
}

/// Both records hold a name and no address, and SRV a port beside it.
fn refuse_nameless(fields: &mut Object<'_>, service: model::Service, address: &Address, port: u16) {
    if let Address::Ip(ip) = address {
        fields.refuse("trimtab", format_args!("mx and srv need a host name, not the address {ip}"));
    }
    if matches!(service, model::Service::Srv { .. }) && port == 0 {
        fields.refuse("port", "srv needs the port that clients connect to");
    }
}

fn address(node: &mut Node<'_>) -> Option<Address> {
    let text = node.text()?;
    let address = Address::read(text);
    if address.is_none() {
        node.refuse(format_args!("invalid origin address: {}", shown(text)));
    }
    address
}

/// Only `Host`, with one value, in these letters: it comes back as it was sent.
fn host_header(node: &mut Node<'_>) -> Option<Option<String>> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["Host"]);
    fields.optional("Host", |node| {
        let hosts = node.list("Host header", 1..=1, host)?;
        hosts.into_iter().next()
    })
}

fn host(node: &mut Node<'_>) -> Option<String> {
    let host = line(ORIGIN_TEXT_CHARS_MAX)(node)?;
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic()) {
        node.refuse(format_args!("invalid hostname: {}", shown(&host)));
        return None;
    }
    Some(host)
}
