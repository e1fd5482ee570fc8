//! What everybody in a room is told of the others. What they show is in the catalogue.

use serde::Serialize;
use serde_json::Value;

use crate::catalogue::Catalogue;

/// Somebody who is there, to the others.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Person {
    id: Box<str>,
    name: Box<str>,
    producers: Vec<Produced>,
}

/// Something that somebody shows or says.
#[derive(Debug, PartialEq, Serialize)]
struct Produced {
    id: Box<str>,
    kind: model::rtp::MediaKind,
    source: &'static str,
    paused: bool,
}

impl Person {
    pub(super) fn new(id: &str, name: &str) -> Self {
        Self { id: id.into(), name: name.into(), producers: Vec::new() }
    }
}

/// In the same order.
pub(super) fn with_what_they_show(
    mut people: Vec<Person>,
    router: &str,
    catalogue: &Catalogue,
) -> Vec<Person> {
    if people.is_empty() {
        return people;
    }
    for producer in catalogue.producers.all_in(router) {
        let owner = catalogue.owner(producer.transport().id().as_str());
        if let Some(person) = people.iter_mut().find(|person| owner.as_ref() == Some(&person.id)) {
            person.producers.push(Produced {
                id: producer.id().as_str().into(),
                kind: producer.kind(),
                source: source(producer.app_data().downcast_ref()),
                paused: producer.paused(),
            });
        }
    }
    people
}

/// The page writes it into what it makes; anything may stand there.
fn source(app_data: Option<&Value>) -> &'static str {
    match app_data.and_then(|data| data["source"].as_str()) {
        Some("camera") => "camera",
        Some("screen") => "screen",
        _ => "microphone",
    }
}
