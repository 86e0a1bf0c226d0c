//! The OpenAPI document, made from the routing table, so that neither can say what the other does not.

use std::collections::BTreeMap;

use trimtab_api_types::v1;
use trimtab_model::Permission;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Array, Components, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Content, Info, OpenApi, OpenApiBuilder, PathItem, Paths, Ref, RefOr, Required, Response, Server,
};

use crate::auth::Access;
use crate::handlers;
use crate::respond::LINES;
use crate::route::{Gives, Method, Route};
use crate::router::PREFIX;

const TITLE: &str = "Trimtab control API";
const JSON: &str = "application/json";
const FAILURE: &str = "Failure";
const REFUSAL: &str = "Refusal";
const RESULT_INFO: &str = "ResultInfo";
/// The name of the one way to sign in that the document describes.
const TOKEN: &str = "api_token";

/// The document of this version.
pub fn document() -> OpenApi {
    let info = Info::new(TITLE, env!("CARGO_PKG_VERSION"));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new(PREFIX)]))
        .paths(paths(handlers::routes()))
        .components(Some(components()))
        .build()
}

fn paths(routes: Vec<Route>) -> Paths {
    let mut items: BTreeMap<String, PathItem> = BTreeMap::new();
    for route in &routes {
        let item = PathItem::new(method(route.method), operation(route));
        items.entry(route.path.clone()).or_default().merge_operations(item);
    }
    let builder = Paths::builder();
    items.into_iter().fold(builder, |paths, (path, item)| paths.path(path, item)).build()
}

fn components() -> Components {
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components =
        Components::builder().security_scheme(TOKEN, scheme).response(REFUSAL, refusal());
    let schemas = v1::schemas().into_iter();
    schemas.fold(components, |components, (name, schema)| components.schema(name, schema)).build()
}

fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn operation(route: &Route) -> Operation {
    let about = &route.about;
    let mut operation = Operation::builder()
        .operation_id(Some(operation_id(route)))
        .summary(Some(about.summary))
        .description(needs(route.access))
        .response("200", good(about.gives))
        .response("4XX", Ref::from_response_name(REFUSAL));
    for name in path_parameters(&route.path) {
        operation = operation.parameter(parameter(name, ParameterIn::Path, Required::True));
    }
    for name in about.asks {
        operation = operation.parameter(parameter(name, ParameterIn::Query, Required::False));
    }
    if let Some(schema) = about.takes {
        operation = operation.request_body(Some(body(schema)));
    }
    if route.access != Access::Open {
        operation = operation.security(SecurityRequirement::new(TOKEN, Vec::<String>::new()));
    }
    operation.build()
}

/// `get_zones_zone_id`: the same as long as the route is.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}']).filter(|word| !word.is_empty());
    let method = match route.method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    };
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn needs(access: Access) -> Option<String> {
    let permission = |permission: Permission, on: &str| {
        Some(format!("Needs the permission \"{permission}\" on {on}."))
    };
    match access {
        Access::Open => None,
        Access::Verify => Some("Needs a token, whatever its status.".into()),
        Access::Token => Some("Needs an active token.".into()),
        Access::Somewhere(needs) => permission(needs, "what is asked for"),
        Access::Node(needs) => permission(needs, "all resources"),
        Access::Account(needs) => permission(needs, "the account"),
        Access::Home(needs) => permission(needs, "an account; the oldest such is meant"),
        Access::Zone(needs) => permission(needs, "the zone"),
    }
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn parameter(name: &str, place: ParameterIn, required: Required) -> Parameter {
    Parameter::builder()
        .name(name)
        .parameter_in(place)
        .required(required)
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

/// The shape of a body is that of the answer without what only we can write.
fn body(schema: &str) -> utoipa::openapi::request_body::RequestBody {
    let about = format!("The writable fields of `{schema}`.");
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(about));
    RequestBodyBuilder::new()
        .content(JSON, Content::new(Some(Schema::from(object))))
        .required(Some(Required::True))
        .build()
}

fn good(gives: Gives) -> Response {
    let result = match gives {
        Gives::One(schema) => RefOr::Ref(Ref::from_schema_name(schema)),
        Gives::Many(schema) => RefOr::T(Schema::Array(Array::new(Ref::from_schema_name(schema)))),
        Gives::Object => RefOr::T(Schema::from(ObjectBuilder::new().schema_type(Type::Object))),
        Gives::Lines(schema) => return lines(schema),
        Gives::Text => return text(),
    };
    let envelope = envelope(result, matches!(gives, Gives::Many(_)));
    Response::builder()
        .description("The result in its envelope")
        .content(JSON, Content::new(Some(envelope)))
        .build()
}

fn text() -> Response {
    let text = ObjectBuilder::new().schema_type(Type::String);
    Response::builder()
        .description("A text")
        .content("text/plain", Content::new(Some(Schema::from(text))))
        .build()
}

fn lines(schema: &str) -> Response {
    Response::builder()
        .description("One object to a line, as it happens")
        .content(LINES, Content::new(Some(Ref::from_schema_name(schema))))
        .build()
}

fn envelope(result: RefOr<Schema>, list: bool) -> Schema {
    let messages = |schema: &str| Schema::Array(Array::new(Ref::from_schema_name(schema)));
    let mut envelope = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("result", result)
        .property("success", ObjectBuilder::new().schema_type(Type::Boolean))
        .property("errors", messages("ApiError"))
        .property("messages", messages("ApiMessage"))
        .required("result")
        .required("success")
        .required("errors")
        .required("messages");
    if list {
        envelope = envelope.property("result_info", Ref::from_schema_name(RESULT_INFO));
    }
    Schema::from(envelope)
}

fn refusal() -> Response {
    Response::builder()
        .description("A refusal, with numbered errors")
        .content(JSON, Content::new(Some(Ref::from_schema_name(FAILURE))))
        .build()
}
