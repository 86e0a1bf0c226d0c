//! From what a body says of a record's data to the data itself.

use trimtab_api_types::v1::record::{Form, Parsed, RecordDraft, Written};
use trimtab_dns::rdata;
use trimtab_model::zone::Rdata;
use trimtab_model::{Problems, Zone};

/// Also puts a priority that stands in the data onto the draft.
pub(super) fn parse(draft: &mut RecordDraft, zone: &Zone) -> Result<Parsed, Problems> {
    let (pointer, content, data) = match &draft.written {
        Written::Content(content) => ("/content", content.as_str(), None),
        Written::Data(data) => ("/data", "", Some(data)),
    };
    match rdata::parse(draft.kind, content, draft.priority, data, &zone.name) {
        Ok(parsed) => {
            draft.priority = parsed.priority.filter(|_| Form::of(draft.kind).priority);
            let rdata = Rdata(parsed.rdata.into());
            Ok(Parsed { content: parsed.content, data: parsed.data, rdata })
        }
        Err(why) => {
            let mut problems = Problems::default();
            problems.add_coded(pointer, why.code.into(), why.message);
            Err(problems)
        }
    }
}
