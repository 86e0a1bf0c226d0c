//! The shape of a question for the OpenAPI document: its fields are read one by one, so that no derive knows them.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::Question;

const TEXT: SchemaType = SchemaType::Type(Type::String);
const OBJECT: SchemaType = SchemaType::Type(Type::Object);

/// Name, type and meaning.
const FIELDS: [(&str, SchemaType, &str); 11] = [
    ("name", TEXT, "A host name with a load balancer."),
    ("type", TEXT, "Of DNS: A, AAAA, MX or SRV; A when absent."),
    ("resolver", TEXT, "Where the query or request comes from, an address; loopback when absent."),
    ("ecs", TEXT, "Of DNS: the client subnet that the resolver passes on, as 192.0.2.0/24."),
    ("trace_id", TEXT, "Dice to decide with, to see the same draw again."),
    ("open_requests", OBJECT, "Requests under way, by pool id, for policies that count them."),
    (
        "session",
        SchemaType::AnyValue,
        "true: there is one. Of a request also the endpoint it is at: {pool, origin}, by their names, or by the pool's id and the origin's address.",
    ),
    ("method", TEXT, "Of a request; GET when absent."),
    ("path", TEXT, "Of a request: path and query; / when absent."),
    ("scheme", TEXT, "Of a request: http or https; http when absent."),
    ("headers", OBJECT, "Of a request: by name a value, or a list of them."),
];

impl PartialSchema for Question {
    fn schema() -> RefOr<Schema> {
        let about = "A question of DNS, or, with any of method, path, scheme, headers or the place of a session, a \
                     request to a proxied load balancer.";
        let whole = ObjectBuilder::new().description(Some(about)).required("name");
        let field = |kind: &SchemaType, about: &str| {
            ObjectBuilder::new().schema_type(kind.clone()).description(Some(about))
        };
        let fields = FIELDS.iter();
        fields
            .fold(whole, |whole, (name, kind, about)| whole.property(*name, field(kind, about)))
            .into()
    }
}

impl ToSchema for Question {
    fn name() -> Cow<'static, str> {
        "ExplanationQuestion".into()
    }
}
