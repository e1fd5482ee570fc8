//! A call between two scripted browsers, and what its user hears of transports.

use model::event::{Event, TransportEvent};
use model::reply::Flow;
use model::transport::DtlsState;
use sfu::Output;
use wire::rtp::View;

use super::browser::Browser;
use super::parameters::{consuming, encoding, producing};
use super::{Host, PAYLOAD, consumer, producer, rtp, transport};

/// What a user hears of transports, in order, in short.
pub(crate) fn said(host: &mut Host) -> Vec<String> {
    let mut said = Vec::new();
    for output in std::mem::take(&mut host.out).others {
        said.extend(match output {
            Output::Event(Event::Transport(_, event)) => match event {
                TransportEvent::IceSelectedFlow(flow) => {
                    let Flow { local, remote } = *flow;
                    Some(format!("{} to {}", local.port, remote.unwrap().1))
                }
                TransportEvent::IceState(state) => Some(format!("ICE {state:?}")),
                TransportEvent::DtlsState { state, remote_certificate } => {
                    assert_eq!(remote_certificate.is_some(), state == DtlsState::Connected);
                    Some(format!("DTLS {state:?}"))
                }
                TransportEvent::UfragForgotten(_) => None,
                other => Some(format!("{other:?}")),
            },
            Output::Bind { local, remote, .. } => Some(format!("bind {} {}", local.place(), remote.port())),
            Output::Unbind { local, remote, .. } => {
                Some(format!("unbind {} {}", local.place(), remote.port()))
            }
            Output::Settle { peer, .. } => Some(match peer {
                Some(peer) => format!("settle {}", peer.port()),
                None => "unsettle".to_owned(),
            }),
            Output::ForgetUfrag { ufrag, .. } => Some(format!("forget {ufrag}")),
            Output::Arm { transport, at } => {
                host.armed.insert(transport, at);
                None
            }
            _ => None,
        });
    }
    said
}

/// A browser that sends and one that receives.
pub(crate) struct Call {
    pub(crate) host: Host,
    pub(crate) sender: Browser,
    pub(crate) receiver: Browser,
}

impl Call {
    pub(crate) fn new() -> Self {
        let mut host = Host::default();
        let sender = Browser::connected(&mut host, 0);
        let receiver = Browser::connected(&mut host, 1);
        host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
        host.sfu.consume(consumer(0), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
        host.tick();
        said(&mut host);
        Self { host, sender, receiver }
    }

    /// Sends packets of these numbers, and counts copies that came.
    pub(crate) fn pass(&mut self, sequences: std::ops::Range<u16>) -> usize {
        for sequence in sequences {
            self.sender.send_rtp(&mut self.host, &rtp(5, sequence));
            self.host.tick();
        }
        self.receiver.collect(&mut self.host);
        self.sender.collect(&mut self.host);
        let heard = std::mem::take(&mut self.receiver.heard);
        heard.iter().filter(|packet| is_copy(packet)).count()
    }
}

pub(crate) fn is_copy(packet: &[u8]) -> bool {
    wire::classify(packet) == Some(wire::Kind::Rtp)
        && View::parse(packet).is_ok_and(|view| view.ssrc().0 == 70 && view.payload() == PAYLOAD)
}
