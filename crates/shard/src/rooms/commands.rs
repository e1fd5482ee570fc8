//! Which command is whose, and when it is answered.

use model::command::{Action, DataProducerCommand, ProducerCommand, RouterCommand, TransportCommand};
use model::key::RouterKey;
use model::reply::{Answer, Outcome, Refusal};
use net::{Driver, SocketKey};

use super::owed::Then;
use super::work::Work;
use super::{Left, Rooms, RouterPart};
use crate::context::Context;
use crate::control::Ticket;
use crate::io::Sockets;

/// What became of a command.
pub(super) enum Handled {
    /// It is done.
    Now(Answer),
    /// These sockets have to be closed first, whatever the answer is.
    AfterReaping(Vec<SocketKey>, Result<Answer, Refusal>),
}

impl Rooms {
    /// Executes a command and answers it, or begins what its answer waits for.
    pub(super) fn execute<D: Driver>(
        &mut self,
        action: Action,
        ticket: Ticket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) {
        let Some((action, ticket)) = self.begin(action, ticket, cx) else { return };
        let handled = match action {
            Action::WebRtcServer(key, command) => self.server_command(key, &command, sockets, cx),
            Action::Router(key, RouterCommand::Open) => self.open_router(key).map(Handled::Now),
            Action::Transport(key, TransportCommand::Open(open)) => {
                self.open_transport(key, &open, sockets, cx)
            }
            Action::Transport(key, TransportCommand::Connect(connect)) => {
                self.connect(key, &connect, sockets).map(Handled::Now)
            }
            Action::Transport(key, command) => self.transport_command(key, command, cx).map(Handled::Now),
            Action::Producer(key, command) => self.producer_command(key, command, cx).map(Handled::Now),
            Action::Consumer(key, command) => self.consumer_command(key, command, cx).map(Handled::Now),
            Action::DataProducer(key, command) => {
                self.data_producer_command(key, command, cx).map(Handled::Now)
            }
            Action::DataConsumer(key, command) => {
                self.data_consumer_command(key, command, cx).map(Handled::Now)
            }
            Action::RtpObserver(key, command) => self.observer_command(key, command).map(Handled::Now),
            // Begun above.
            Action::Router(_, RouterCommand::Close) => Ok(Handled::Now(Answer::Nothing)),
        };
        match handled {
            Ok(Handled::Now(answer)) => self.answer(ticket, Outcome::Done(answer), cx),
            Err(refusal) => self.answer(ticket, Outcome::Refused(refusal), cx),
            Ok(Handled::AfterReaping(closing, result)) => {
                let owed = self.owed.begin(Then::Reply(ticket, outcome(result)));
                closing.into_iter().for_each(|socket| self.reap(socket, owed, sockets));
                self.happened(owed, cx);
            }
        }
        // After the answer: what the command made happens to something that is there.
        self.carry_out(cx);
    }

    /// Begins what takes several ticks or other shards. What it does not concern comes back.
    fn begin(&mut self, action: Action, ticket: Ticket, cx: &mut Context<Self>) -> Left {
        let begun = match &action {
            Action::Router(key, RouterCommand::Close) => self.router(*key).map(|_| Some(Work::Router(*key))),
            Action::Transport(key, TransportCommand::Close) => {
                self.transport(*key).map(|_| Some(Work::Transport(*key)))
            }
            Action::Producer(key, ProducerCommand::Close) => self.begin_producer_close(*key),
            Action::DataProducer(key, DataProducerCommand::Close) => self.begin_data_producer_close(*key),
            Action::Transport(key, TransportCommand::Report) => return self.report(*key, ticket, cx),
            Action::Producer(key, _) => {
                let key = *key;
                return self.turn_producer(key, action, ticket, cx);
            }
            Action::DataProducer(key, _) => {
                let key = *key;
                return self.turn_data_producer(key, action, ticket, cx);
            }
            _ => return Some((action, ticket)),
        };
        match begun {
            Ok(Some(work)) => {
                let owed = self.owed.begin(Then::Reply(ticket, Outcome::Done(Answer::Nothing)));
                self.end_feeds(work, owed, cx);
                self.work.push_back((work, owed));
            }
            Ok(None) => self.answer(ticket, Outcome::Done(Answer::Nothing), cx),
            Err(refusal) => self.answer(ticket, Outcome::Refused(refusal), cx),
        }
        None
    }

    fn open_router(&mut self, key: RouterKey) -> Result<Answer, Refusal> {
        self.routers.insert(key, RouterPart::default())?;
        Ok(Answer::Nothing)
    }
}

pub(super) fn outcome(result: Result<Answer, Refusal>) -> Outcome {
    match result {
        Ok(answer) => Outcome::Done(answer),
        Err(refusal) => Outcome::Refused(refusal),
    }
}
