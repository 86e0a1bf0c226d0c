//! Mail: one message to one address, over the operator's server.

use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use crate::message::Message;
use crate::settings::{Security, Smtp};
use crate::text;

/// A server that looks names up before it greets takes some seconds.
const STEP_TIMEOUT: Duration = Duration::from_secs(15);

/// A server that is ready to be spoken to.
#[derive(Clone)]
pub(crate) struct Postman {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailSetUpError {
    #[error("from is no mail address")]
    From(#[source] lettre::address::AddressError),
    #[error("the certificates of ca")]
    Certificate(#[source] smtp::Error),
    #[error("tls")]
    Tls(#[source] smtp::Error),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    #[error("{0:?} is no mail address")]
    To(String, #[source] lettre::address::AddressError),
    #[error("write the mail")]
    Write(#[source] lettre::error::Error),
    #[error("hand the mail over")]
    Send(#[source] smtp::Error),
}

/// RFC 3834 section 5: no holiday greeting comes back.
#[derive(Clone)]
struct AutoSubmitted;

// === impl AutoSubmitted ===

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

// === impl MailError ===

impl MailError {
    /// RFC 5321 section 4.2.1: a reply that begins with 5 stays the same.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            MailError::To(..) | MailError::Write(_) => true,
            MailError::Send(error) => error.is_permanent(),
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            MailError::To(..) | MailError::Write(_) => None,
            MailError::Send(error) => error.status().map(u16::from),
        }
    }
}

// === impl Postman ===

impl Postman {
    pub(crate) fn new(smtp: &Smtp) -> Result<Postman, MailSetUpError> {
        let from: Mailbox = smtp.from.parse().map_err(MailSetUpError::From)?;
        let tls = match smtp.security {
            Security::StartTls => Tls::Required(tls(smtp)?),
            Security::Implicit => Tls::Wrapper(tls(smtp)?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .timeout(Some(STEP_TIMEOUT));
        if let Some((user, password)) = &smtp.credentials {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(Postman { transport: builder.build(), from })
    }

    /// What the server said, and its number.
    pub(crate) async fn send(
        &self,
        message: &Message,
        id: &str,
        to: &str,
    ) -> Result<(u16, String), MailError> {
        let mail = self.write(message, id, to)?;
        let answer = self.transport.send(mail).await.map_err(MailError::Send)?;
        let said: Vec<&str> = answer.message().collect();
        Ok((answer.code().into(), said.join(" ")))
    }

    /// RFC 5322 section 3.6.4: a mail that comes twice has one id, by which receivers know it. What belongs together
    /// is one thread.
    fn write(&self, message: &Message, id: &str, to: &str) -> Result<Mail, MailError> {
        let address: Address = to.parse().map_err(|why| MailError::To(to.to_owned(), why))?;
        let domain = self.from.email.domain();
        let thread = format!("<{}@{domain}>", message.correlation);
        let mail: MessageBuilder = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .message_id(Some(format!("<{id}@{domain}>")))
            .references(thread)
            .subject(text::subject(message))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        mail.body(text::body(message)).map_err(MailError::Write)
    }
}

fn tls(smtp: &Smtp) -> Result<TlsParameters, MailSetUpError> {
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(pem) = &smtp.ca {
        let certificate = Certificate::from_pem(pem.as_bytes());
        builder = builder.add_root_certificate(certificate.map_err(MailSetUpError::Certificate)?);
    }
    builder.build_rustls().map_err(MailSetUpError::Tls)
}
