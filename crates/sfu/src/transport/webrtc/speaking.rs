//! Which way a WebRTC transport's media takes, and what it sends by itself: answers of ICE, datagrams of DTLS, and what its
//! peer may not have read.

use ice::Tuple;
use model::transport::DtlsState;
use wire::Mono;

use super::WebRtc;
use crate::io::{Depart, Departing, Local};
use crate::transport::Transport;
use crate::transport::unread::Unread;

impl Transport {
    /// What makes it a WebRTC transport.
    pub(crate) fn web_rtc(&self) -> Option<&WebRtc> {
        self.web_rtc.as_deref()
    }

    pub(crate) fn web_rtc_mut(&mut self) -> Option<&mut WebRtc> {
        self.web_rtc.as_deref_mut()
    }

    /// Media goes by the tuple that ICE selected, as long as there are keys. By another one than before, what the peer may
    /// not have read goes first.
    pub(crate) fn aim(&mut self) {
        let Some(web_rtc) = &mut self.web_rtc else { return };
        let has_keys = web_rtc.dtls_state() == DtlsState::Connected;
        let way = web_rtc.selected().filter(|_| has_keys);
        if !has_keys {
            web_rtc.unread = Unread::default();
        }
        if way != self.flows.rtp() {
            if way.is_some() {
                web_rtc.unread.found_way();
            }
            web_rtc.unread_is_due = way.is_some() && !web_rtc.unread.is_empty();
        }
        self.flows.aim(way);
    }

    /// Keeps a run that left by a connection, or found no way.
    #[cold]
    pub(crate) fn keep_unread(&mut self, now: Mono, run: &[u8], segment_size: usize) {
        let Some(web_rtc) = &mut self.web_rtc else { return };
        if self.flows.rtp().is_some() {
            web_rtc.unread.keep(now, run, segment_size);
        } else {
            web_rtc.unread.keep_wayless(now, run, segment_size);
        }
    }

    /// Whether there is something to send by itself, without RTP and RTCP that wait: with the next flush it goes.
    pub(crate) fn wants_to_speak(&mut self) -> bool {
        self.speaks =
            self.web_rtc.as_ref().is_some_and(|web_rtc| !web_rtc.at_once.is_empty() || web_rtc.unread_is_due);
        self.speaks
    }

    /// Sends what ICE and DTLS have, and by a new way what the peer may not have read.
    #[cold]
    pub(crate) fn speak(&mut self, now: Mono, depart: &mut impl Depart) {
        let Some(web_rtc) = &mut self.web_rtc else { return };
        let mut send = |Tuple { local, remote: to }, datagram: &[u8]| {
            let len = datagram.len();
            if let Some(out) = depart.reserve(len).get_mut(..len) {
                out.copy_from_slice(datagram);
                self.sent.add(now, len);
                depart.send(Departing { local, to, len, segment_size: len, is_answer: true });
            }
        };
        for (tuple, datagram) in web_rtc.at_once.datagrams() {
            send(tuple, datagram);
        }
        web_rtc.at_once.clear();
        self.counts.unsent.answers_full = web_rtc.at_once.take_refused();
        let Some(way) = self.flows.rtp().filter(|_| web_rtc.unread_is_due) else { return };
        web_rtc.unread_is_due = false;
        web_rtc.unread.give(now, &mut |packet| send(way, packet));
        if matches!(way.local, Local::Socket { .. }) {
            web_rtc.unread = Unread::default();
        }
    }

    /// DTLS has brought keys.
    pub(crate) fn agree(&mut self, keys: &dtls::SrtpKeys) -> Result<(), srtp::KeyError> {
        if let Some(srtp) = &mut self.srtp {
            srtp.agree(keys)?;
        }
        self.begin_streams();
        Ok(())
    }
}
