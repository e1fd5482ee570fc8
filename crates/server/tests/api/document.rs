//! The OpenAPI document: it says what the server does, and what people are told.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Server;

fn document() -> (Server, Value) {
    let server = Server::start(&[]);
    let document = server.get("/v1/openapi.json");
    (server, document)
}

#[test]
fn every_operation_of_the_document_is_there() {
    let (server, document) = document();
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(names.insert(operation["operationId"].to_string()), "{path}: twice the same name");
            let at = path.replace("{subchannel}", "5").replace(['{', '}'], "");
            let (status, answer) = server.ask(&method.to_uppercase(), &at, None);
            assert_ne!(status, 405, "{method} {path}");
            assert!(!answer.contains("there is no path"), "{method} {path}: {answer}");
            let known = operation["responses"].get(status.to_string()).is_some();
            assert!(known, "{method} {path} answers {status}, of which the document knows nothing: {answer}");
        }
    }
    assert!(names.len() > 70, "{}", names.len());
}

#[test]
fn what_people_are_told_is_what_programs_are_told() {
    let (_, document) = document();
    let text = include_str!("../../../../docs/api.md");
    let told: BTreeSet<&str> = text
        .split('`')
        .filter(|code| code.starts_with("/v1/"))
        .map(|path| path.split('?').next().unwrap())
        .filter(|path| *path != "/v1/...")
        .collect();
    let paths = document["paths"].as_object().unwrap();
    let same = |path: &str| path.replace("{n}", "{subchannel}");
    let unknown: Vec<_> = told.iter().filter(|path| !paths.contains_key(&same(path))).collect();
    assert!(unknown.is_empty(), "docs/api.md has paths that are not there: {unknown:?}");
}

#[test]
fn a_body_is_described_by_the_dictionary_that_it_is() {
    let (_, document) = document();
    let body = &document["paths"]["/v1/transports/{id}/producers"]["post"]["requestBody"]["content"];
    let schema = &body["application/json"]["schema"];
    assert_eq!(schema["required"], serde_json::json!(["kind", "rtpParameters"]), "{schema}");
    assert_eq!(schema["additionalProperties"], false);
    let delay = &schema["properties"]["keyFrameRequestDelay"];
    assert_eq!((&delay["type"], &delay["minimum"]), (&"integer".into(), &0.into()));
}
