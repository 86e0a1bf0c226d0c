//! All routes of the API, and what surrounds them: the guard, slashes at the end, and refusals in the
//! envelope for paths and methods that are none.

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::middleware::from_fn_with_state;
use tower::Layer;
use tower::util::MapRequestLayer;

use crate::app::App;
use crate::auth::admit::whole_path;
use crate::auth::guard;
use crate::errors::Error;
use crate::handlers;
use crate::route::Route;

/// Where the API lives on its server.
pub const PREFIX: &str = "/client/v4";

/// The API, to be merged into a server's router. Serve it with
/// `into_make_service_with_connect_info::<SocketAddr>()`, so that guesses are counted per address.
pub fn router(app: App) -> Router {
    let routes = handlers::routes();
    let table = routes.into_iter().fold(Router::new(), |table, route| add(table, route, &app));
    let table =
        table.fallback(no_route).method_not_allowed_fallback(method_not_allowed).with_state(app);
    Router::new().nest_service(PREFIX, MapRequestLayer::new(without_last_slash).layer(table))
}

fn add(table: Router<App>, route: Route, app: &App) -> Router<App> {
    let Route { path, access, handler, .. } = route;
    let guard = from_fn_with_state((app.clone(), access), guard);
    table.route(&path, handler.route_layer(guard))
}

async fn no_route(parts: Parts) -> Error {
    Error::NoRoute { path: whole_path(&parts) }
}

async fn method_not_allowed(parts: Parts) -> Error {
    Error::Method { path: whole_path(&parts) }
}

/// `/zones/?name=x` is `/zones?name=x`: some clients write the slash.
fn without_last_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() < path.len() && !trimmed.is_empty() {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        // What was a URI is one without its last slash; if it is not, nothing is routed differently.
        if let Ok(path_and_query) = PathAndQuery::try_from(format!("{trimmed}{query}")) {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path_and_query);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}
