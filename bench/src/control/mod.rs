//! `bench control`: how fast workers make and close objects, what those leave behind, and whether every request is
//! answered.

mod churn;
mod churn_room;
mod creates;
mod many;
mod memory;

use std::io;

use crate::args::Options;
use crate::channel::Subject;
use crate::machine::Machine;
use crate::out;
use crate::verdict::Verdict;

/// Runs the bench of that name.
pub(crate) fn main(kind: &str, options: &Options) -> io::Result<Vec<Verdict>> {
    let subjects = Subject::chosen(options)?;
    let machine = Machine::read(options.cores);
    let (report, verdicts) = match kind {
        "" => {
            out::line(&machine.describe());
            let creates = creates::measure(&subjects, options)?;
            let (many, verdicts) = many::measure(&subjects, options)?;
            let report = serde_json::json!({
                "machine": machine, "creates": creates, "many": many, "verdicts": verdicts
            });
            (report, verdicts)
        }
        "churn" => {
            out::line(&machine.describe());
            let (churn, verdicts) = churn::measure(&subjects, options)?;
            (serde_json::json!({ "machine": machine, "churn": churn, "verdicts": verdicts }), verdicts)
        }
        _ => return Err(io::Error::other(format!("there is no bench control {kind}; try --help"))),
    };
    options.json.as_ref().map_or(Ok(()), |path| out::json(path, &report))?;
    Ok(verdicts)
}
