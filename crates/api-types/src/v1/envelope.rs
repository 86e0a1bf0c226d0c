//! The envelope that every answer comes in.

use serde::Serialize;
use trimtab_model::Problems;
use utoipa::ToSchema;

use super::paging::ResultInfo;

/// A good answer: one result or a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Envelope<T> {
    pub result: T,
    pub success: bool,
    pub errors: Vec<ApiError>,
    pub messages: Vec<ApiMessage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_info: Option<ResultInfo>,
}

/// A refusal: `result` is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Failure {
    #[schema(value_type = Option<Object>)]
    pub result: (),
    pub success: bool,
    pub errors: Vec<ApiError>,
    pub messages: Vec<ApiMessage>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiError {
    pub code: u32,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ErrorSource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_chain: Vec<ChainedError>,
}

/// The place in the body, RFC 6901.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorSource {
    pub pointer: String,
}

/// What is behind an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChainedError {
    pub code: u32,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ErrorSource>,
}

/// Something worth knowing beside the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiMessage {
    pub code: u32,
    pub message: String,
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>)]
    pub kind: (),
}

/// The result of most DELETEs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Deleted {
    pub id: String,
}

/// Every refusal of a body by the load balancing service.
pub const VALIDATION: u32 = 1002;
/// Every refusal of a body by the DNS service; what is wrong stands in the chain.
pub const DNS_VALIDATION: u32 = 1004;

// === impl Envelope ===

impl<T> Envelope<T> {
    pub fn one(result: T) -> Envelope<T> {
        let (errors, messages) = (Vec::new(), Vec::new());
        Envelope { result, success: true, errors, messages, result_info: None }
    }

    pub fn with_message(mut self, message: ApiMessage) -> Envelope<T> {
        self.messages.push(message);
        self
    }
}

impl<T> Envelope<Vec<T>> {
    pub fn list(items: Vec<T>, info: ResultInfo) -> Envelope<Vec<T>> {
        Envelope { result_info: Some(info), ..Envelope::one(items) }
    }
}

// === impl Failure ===

impl Failure {
    pub fn new(errors: Vec<ApiError>) -> Failure {
        Failure { result: (), success: false, errors, messages: Vec::new() }
    }

    /// The load balancing service ends every refusal of a body with the same words.
    pub fn validation(problems: &Problems) -> Failure {
        let errors = problems.iter().map(|problem| {
            ApiError::new(VALIDATION, format!("{}: validation failed", problem.message))
                .at(&problem.pointer)
        });
        Failure::new(errors.collect())
    }

    /// The DNS service has one error, and the causes in its chain.
    pub fn dns_validation(problems: &Problems) -> Failure {
        let chain = problems.iter().map(|problem| ChainedError {
            code: problem.code.unwrap_or(DNS_VALIDATION),
            message: problem.message.clone(),
            source: Some(ErrorSource::at(&problem.pointer)),
        });
        let first = problems.iter().next().map_or("", |problem| &problem.pointer);
        let error = ApiError {
            error_chain: chain.collect(),
            ..ApiError::new(DNS_VALIDATION, "DNS Validation Error").at(first)
        };
        Failure::new(vec![error])
    }

    /// Other services give the message as it is, with a code of their own.
    pub fn refused(code: u32, problems: &Problems) -> Failure {
        let errors = problems.iter().map(|problem| {
            ApiError::new(problem.code.unwrap_or(code), problem.message.clone())
                .at(&problem.pointer)
        });
        Failure::new(errors.collect())
    }

    /// Puts the address of the documentation on every error.
    pub fn documented(mut self, url: &str) -> Failure {
        for error in &mut self.errors {
            error.documentation_url = Some(url.into());
        }
        self
    }
}

// === impl ApiError ===

impl ApiError {
    pub fn new(code: u32, message: impl Into<String>) -> ApiError {
        ApiError {
            code,
            message: message.into(),
            documentation_url: None,
            source: None,
            error_chain: Vec::new(),
        }
    }

    pub fn at(self, pointer: &str) -> ApiError {
        ApiError { source: Some(ErrorSource::at(pointer)), ..self }
    }

    pub fn because(mut self, code: u32, message: impl Into<String>) -> ApiError {
        self.error_chain.push(ChainedError { code, message: message.into(), source: None });
        self
    }
}

// === impl ErrorSource ===

impl ErrorSource {
    /// The empty pointer is the whole body.
    fn at(pointer: &str) -> ErrorSource {
        ErrorSource { pointer: pointer.into() }
    }
}

// === impl ApiMessage ===

impl ApiMessage {
    pub fn new(code: u32, message: impl Into<String>) -> ApiMessage {
        ApiMessage { code, message: message.into(), kind: () }
    }
}

#[cfg(test)]
mod tests;
