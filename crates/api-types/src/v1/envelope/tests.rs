use serde_json::{Value, json};

use super::*;

fn problems() -> Problems {
    let mut problems = Problems::default();
    problems.add("/interval", "interval is not in range [10, 3600]");
    problems.add_coded("/ttl", 9021, "Invalid TTL");
    problems
}

fn check(answer: impl Serialize, want: &Value) {
    assert_eq!(serde_json::to_value(answer).unwrap(), *want);
}

#[test]
fn one_result_has_no_result_info() {
    let want = json!({"result": {"id": "x"}, "success": true, "errors": [], "messages": []});
    check(Envelope::one(Deleted { id: "x".into() }), &want);
}

#[test]
fn a_list_says_where_it_stands() {
    let info = ResultInfo { page: 1, per_page: 25, count: 2, total_count: 2, total_pages: 1 };
    let want = json!({
        "result": [1, 2],
        "success": true,
        "errors": [],
        "messages": [],
        "result_info": {
            "page": 1,
            "per_page": 25,
            "count": 2,
            "total_count": 2,
            "total_pages": 1,
        },
    });
    check(Envelope::list(vec![1, 2], info), &want);
}

#[test]
fn answers_start_with_their_result() {
    let text = serde_json::to_string(&Envelope::one(1)).unwrap();
    assert_eq!(text, r#"{"result":1,"success":true,"errors":[],"messages":[]}"#);
}

#[test]
fn the_message_that_scripts_look_for_has_a_null_type() {
    let message = ApiMessage::new(10_000, "This API Token is valid and active");
    let want =
        json!([{"code": 10_000, "message": "This API Token is valid and active", "type": null}]);
    check(Envelope::one(()).with_message(message).messages, &want);
}

#[test]
fn the_load_balancing_service_ends_every_message_alike() {
    let want = json!({
        "result": null,
        "success": false,
        "errors": [
            {
                "code": 1002,
                "message": "interval is not in range [10, 3600]: validation failed",
                "source": {"pointer": "/interval"},
            },
            {
                "code": 1002,
                "message": "Invalid TTL: validation failed",
                "source": {"pointer": "/ttl"},
            },
        ],
        "messages": [],
    });
    check(Failure::validation(&problems()), &want);
}

#[test]
fn the_dns_service_has_one_error_with_a_chain() {
    let want = json!([{
        "code": 1004,
        "message": "DNS Validation Error",
        "source": {"pointer": "/interval"},
        "error_chain": [
            {
                "code": 1004,
                "message": "interval is not in range [10, 3600]",
                "source": {"pointer": "/interval"},
            },
            {"code": 9021, "message": "Invalid TTL", "source": {"pointer": "/ttl"}},
        ],
    }]);
    check(Failure::dns_validation(&problems()).errors, &want);
}

#[test]
fn other_services_use_their_own_code() {
    let failure = Failure::refused(1001, &problems()).documented("https://docs.example/");
    let want = json!([
        {
            "code": 1001,
            "message": "interval is not in range [10, 3600]",
            "documentation_url": "https://docs.example/",
            "source": {"pointer": "/interval"},
        },
        {
            "code": 9021,
            "message": "Invalid TTL",
            "documentation_url": "https://docs.example/",
            "source": {"pointer": "/ttl"},
        },
    ]);
    check(failure.errors, &want);
}

#[test]
fn a_cause_stands_in_the_chain() {
    let error = ApiError::new(6003, "Invalid request headers")
        .because(6111, "Invalid format for Authorization header");
    let want = json!([{
        "code": 6003,
        "message": "Invalid request headers",
        "error_chain": [{"code": 6111, "message": "Invalid format for Authorization header"}],
    }]);
    check(Failure::new(vec![error]).errors, &want);
}
