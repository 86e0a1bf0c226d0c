//! What is stored and does not act yet, said in the `messages` of the answer that stored it.

use trimtab_api_types::v1::balancer;
use trimtab_api_types::v1::envelope::ApiMessage;
use trimtab_model::Balancer;

/// All notices have this number; people read the text.
const NOTICE: u32 = 10001;

pub(crate) fn of_balancer(of: &Balancer) -> Vec<ApiMessage> {
    messages(balancer::notices(of))
}

pub(crate) fn of_user() -> Vec<ApiMessage> {
    messages(vec!["a token stands for the user, and has nothing that can be changed here".into()])
}

fn messages(texts: Vec<String>) -> Vec<ApiMessage> {
    texts.into_iter().map(|text| ApiMessage::new(NOTICE, text)).collect()
}
