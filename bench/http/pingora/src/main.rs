//! The least proxy that Pingora makes: two endpoints in turn, one thread, HTTP and HTTPS.
//!
//! bench-pingora HTTP_PORT HTTPS_PORT CERTIFICATE KEY ENDPOINT...

use std::error::Error as Failure;
use std::sync::Arc;

use async_trait::async_trait;
use pingora::lb::LoadBalancer;
use pingora::lb::selection::RoundRobin;
use pingora::listeners::tls::TlsSettings;
use pingora::prelude::*;
use pingora::server::configuration::ServerConf;

/// Idle connections to endpoints that are kept; more than any test opens.
const UPSTREAM_POOL: usize = 4096;
/// Tries of the selection before it gives up; with two endpoints one is enough.
const SELECTIONS: usize = 16;

struct InTurn(Arc<LoadBalancer<RoundRobin>>);

#[async_trait]
impl ProxyHttp for InTurn {
    type CTX = ();

    fn new_ctx(&self) -> Self::CTX {}

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        _context: &mut (),
    ) -> Result<Box<HttpPeer>> {
        let endpoint =
            self.0.select(b"", SELECTIONS).ok_or_else(|| Error::new(ErrorType::ConnectNoRoute))?;
        Ok(Box::new(HttpPeer::new(endpoint, false, String::new())))
    }
}

fn main() -> Result<(), Box<dyn Failure>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [http, https, certificate, key, endpoints @ ..] = arguments.as_slice() else {
        return Err("bench-pingora HTTP_PORT HTTPS_PORT CERTIFICATE KEY ENDPOINT...".into());
    };
    let limits = ServerConf {
        threads: 1,
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        ..Default::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, limits);
    server.bootstrap();
    let balancer = LoadBalancer::<RoundRobin>::try_from_iter(endpoints.iter().map(String::as_str))?;
    let mut service = http_proxy_service(&server.configuration, InTurn(Arc::new(balancer)));
    let mut tls = TlsSettings::intermediate(certificate, key)?;
    tls.enable_h2();
    service.add_tcp(&format!("127.0.0.1:{http}"));
    service.add_tls_with_settings(&format!("127.0.0.1:{https}"), None, tls);
    server.add_service(service);
    server.run_forever()
}
