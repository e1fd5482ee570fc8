//! What each request takes, frees and refers to, as far as that decides what it has to wait for.

use std::collections::BTreeSet;

use model::command::Ports;
use model::id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, TransportId};
use model::rtp::RtpParameters;
use model::transport::{ListenInfo, PortRange, TransportProtocol};

use super::claims::{Claim, Footprint};
use super::objects::{
    Consumer, DataConsumer, DataProducer, Object, Producer, Router, Socket, Source, Transport, WebRtcServer,
    ssrcs,
};
use super::registry::Registry;
use super::table::No;
use crate::request::{
    DataProducerRequest, Listen, Notification, Request, RouterRequest, RtpObserverRequest, TransportRequest,
    WebRtcTransportOptions, WorkerRequest,
};

impl Registry {
    /// What a request is about.
    pub(super) fn footprint(&self, request: &Request) -> Footprint {
        let mut print = Footprint::default();
        match request {
            Request::Worker(request) => self.worker_print(request, &mut print),
            Request::WebRtcServer(id, _) => {
                self.refer(id.as_str(), &mut print);
                print.is_about_all = true;
            }
            Request::Router(id, request) => {
                self.refer(id.as_str(), &mut print);
                self.router_print(request, &mut print);
            }
            Request::Transport(id, request) => {
                self.refer(id.as_str(), &mut print);
                self.transport_print(id, request, &mut print);
            }
            Request::Producer(id, _) => self.refer(id.as_str(), &mut print),
            Request::Consumer(id, _) => self.refer(id.as_str(), &mut print),
            Request::DataProducer(id, request) => {
                self.refer(id.as_str(), &mut print);
                // All of it is in the registry, so it has to be certain that what is there will be.
                print.is_about_all = *request == DataProducerRequest::Dump;
            }
            Request::DataConsumer(id, _) => self.refer(id.as_str(), &mut print),
            Request::RtpObserver(of, request) => {
                self.refer(of.as_str(), &mut print);
                if let RtpObserverRequest::AddProducer(id) | RtpObserverRequest::RemoveProducer(id) = request
                {
                    self.await_source(id.as_str(), of.as_str(), &mut print);
                }
            }
        }
        print
    }

    /// What a notification is about.
    pub(super) fn notification_footprint(&self, notification: &Notification) -> Footprint {
        let mut print = Footprint::default();
        match notification {
            Notification::SendRtcp(id, _) => self.refer(id.as_str(), &mut print),
            Notification::SendRtp(id, _) => self.refer(id.as_str(), &mut print),
            Notification::SendData(id, _) => self.refer(id.as_str(), &mut print),
        }
        print
    }

    fn worker_print(&self, request: &WorkerRequest, print: &mut Footprint) {
        match request {
            WorkerRequest::Dump => print.is_about_all = true,
            WorkerRequest::CreateWebRtcServer { id, listen_infos } => {
                print.claims.push(Claim::Id(id.as_str().into()));
                listen_infos.iter().for_each(|listen| claim_ports(listen, print));
            }
            WorkerRequest::CloseWebRtcServer(id) => {
                print.claims.push(Claim::Id(id.as_str().into()));
                if let Some(Object::WebRtcServer(no)) = self.find(id.as_str()) {
                    self.claim_server(no, print);
                }
            }
            WorkerRequest::CreateRouter(id) => print.claims.push(Claim::Id(id.as_str().into())),
            WorkerRequest::CloseRouter(id) => {
                print.claims.push(Claim::Id(id.as_str().into()));
                if let Some(Object::Router(no)) = self.find(id.as_str()) {
                    self.claim_router(no, print);
                }
            }
        }
    }

    fn router_print(&self, request: &RouterRequest, print: &mut Footprint) {
        match request {
            RouterRequest::Dump => print.is_about_all = true,
            RouterRequest::CreateWebRtcTransport(id, options) => {
                print.claims.push(Claim::Id(id.as_str().into()));
                self.listen_print(options, print);
            }
            RouterRequest::CreatePlainTransport(id, options) => {
                print.claims.push(Claim::Id(id.as_str().into()));
                claim_ports(&options.listen_info, print);
                options.rtcp_listen_info.iter().for_each(|listen| claim_ports(listen, print));
            }
            RouterRequest::CreatePipeTransport(id, options) => {
                print.claims.push(Claim::Id(id.as_str().into()));
                claim_ports(&options.listen_info, print);
            }
            RouterRequest::CreateDirectTransport(id, _) => print.claims.push(Claim::Id(id.as_str().into())),
            RouterRequest::CloseTransport(id) => {
                print.claims.push(Claim::Id(id.as_str().into()));
                if let Some(Object::Transport(no)) = self.find(id.as_str()) {
                    self.claim_transport(no, print);
                }
            }
            RouterRequest::CreateActiveSpeakerObserver { id, .. }
            | RouterRequest::CreateAudioLevelObserver(id, _)
            | RouterRequest::CloseRtpObserver(id) => print.claims.push(Claim::Id(id.as_str().into())),
        }
    }

    fn listen_print(&self, options: &WebRtcTransportOptions, print: &mut Footprint) {
        match &options.listen {
            Listen::Individual(listen_infos) => {
                listen_infos.iter().for_each(|listen| claim_ports(listen, print));
            }
            Listen::Server(id) => self.refer(id.as_str(), print),
        }
    }

    fn transport_print(&self, id: &TransportId, request: &TransportRequest, print: &mut Footprint) {
        let transport = match self.find(id.as_str()) {
            Some(Object::Transport(no)) => Some(no),
            _ => None,
        };
        match request {
            TransportRequest::Dump => print.is_about_all = true,
            TransportRequest::ConnectWebRtc(_)
            | TransportRequest::ConnectPlain(_)
            | TransportRequest::ConnectPipe(_) => print.claims.extend(transport.map(Claim::Peer)),
            TransportRequest::Produce(produce) => {
                print.claims.push(Claim::Id(produce.id.as_str().into()));
                claim_received(transport, &produce.rtp_parameters, print);
            }
            TransportRequest::Consume(consume) => {
                print.claims.push(Claim::Id(consume.id.as_str().into()));
                claim_sent(transport, &consume.rtp_parameters, print);
                self.await_source(consume.producer_id.as_str(), id.as_str(), print);
            }
            TransportRequest::ProduceData(produce) => {
                print.claims.push(Claim::Id(produce.id.as_str().into()));
                let stream = produce.sctp_stream_parameters.map(|stream| stream.stream_id);
                claim_stream(transport, stream, print);
            }
            TransportRequest::ConsumeData(consume) => {
                print.claims.push(Claim::Id(consume.id.as_str().into()));
                let stream = consume.sctp_stream_parameters.map(|stream| stream.stream_id);
                claim_stream(transport, stream, print);
                self.await_source(consume.data_producer_id.as_str(), id.as_str(), print);
            }
            TransportRequest::CloseProducer(id) => self.close_producer_print(id, print),
            TransportRequest::CloseConsumer(id) => self.close_consumer_print(id, print),
            TransportRequest::CloseDataProducer(id) => self.close_data_producer_print(id, print),
            TransportRequest::CloseDataConsumer(id) => self.close_data_consumer_print(id, print),
            TransportRequest::Stats
            | TransportRequest::SetBitrate(..)
            | TransportRequest::RestartIce
            | TransportRequest::EnableTrace(_) => {}
        }
    }

    fn close_producer_print(&self, id: &ProducerId, print: &mut Footprint) {
        print.claims.push(Claim::Id(id.as_str().into()));
        if let Some(Object::Producer(no)) = self.find(id.as_str()) {
            self.claim_producer(no, print);
        }
    }

    fn close_consumer_print(&self, id: &ConsumerId, print: &mut Footprint) {
        print.claims.push(Claim::Id(id.as_str().into()));
        if let Some(Object::Consumer(no)) = self.find(id.as_str()) {
            self.claim_consumer(no, print);
        }
    }

    fn close_data_producer_print(&self, id: &DataProducerId, print: &mut Footprint) {
        print.claims.push(Claim::Id(id.as_str().into()));
        if let Some(Object::DataProducer(no)) = self.find(id.as_str()) {
            self.claim_data_producer(no, print);
        }
    }

    fn close_data_consumer_print(&self, id: &DataConsumerId, print: &mut Footprint) {
        print.claims.push(Claim::Id(id.as_str().into()));
        if let Some(Object::DataConsumer(no)) = self.find(id.as_str()) {
            self.claim_data_consumer(no, print);
        }
    }

    fn claim_server(&self, no: No<WebRtcServer>, print: &mut Footprint) {
        let Some(server) = self.servers.get(no) else { return };
        print.claims.push(Claim::Id(server.head.id.clone()));
        claim_sockets(&server.sockets, print);
        server.transports.iter().for_each(|transport| self.claim_transport(*transport, print));
    }

    fn claim_router(&self, no: No<Router>, print: &mut Footprint) {
        let Some(router) = self.routers.get(no) else { return };
        print.claims.push(Claim::Id(router.head.id.clone()));
        router.transports.iter().for_each(|transport| self.claim_transport(*transport, print));
        let observers = router.observers.iter().filter_map(|observer| self.observers.get(*observer));
        print.claims.extend(observers.map(|observer| Claim::Id(observer.head.id.clone())));
        // Nothing in it outlives it: no shard has to be told what feeds whom, and what belongs to its transports can be
        // claimed by nobody else.
        print.claims.retain(|claim| matches!(claim, Claim::Id(_) | Claim::Port(..)));
    }

    fn claim_transport(&self, no: No<Transport>, print: &mut Footprint) {
        let Some(transport) = self.transports.get(no) else { return };
        print.claims.push(Claim::Id(transport.head.id.clone()));
        claim_sockets(&transport.sockets, print);
        transport.producers.iter().for_each(|producer| self.claim_producer(*producer, print));
        transport.consumers.iter().for_each(|consumer| self.claim_consumer(*consumer, print));
        transport.data_producers.iter().for_each(|producer| self.claim_data_producer(*producer, print));
        transport.data_consumers.iter().for_each(|consumer| self.claim_data_consumer(*consumer, print));
    }

    fn claim_producer(&self, no: No<Producer>, print: &mut Footprint) {
        let Some(producer) = self.producers.get(no) else { return };
        print.claims.push(Claim::Id(producer.head.id.clone()));
        claim_received(Some(producer.transport), &producer.rtp_parameters, print);
        let feeds = producer.feeds.keys().map(|shard| Claim::Feed(Source::Producer(no), *shard));
        print.claims.extend(feeds);
        producer.consumers.iter().for_each(|consumer| self.claim_consumer(*consumer, print));
    }

    fn claim_consumer(&self, no: No<Consumer>, print: &mut Footprint) {
        let Some(consumer) = self.consumers.get(no) else { return };
        print.claims.push(Claim::Id(consumer.head.id.clone()));
        claim_sent(Some(consumer.transport), &consumer.rtp_parameters, print);
    }

    fn claim_data_producer(&self, no: No<DataProducer>, print: &mut Footprint) {
        let Some(producer) = self.data_producers.get(no) else { return };
        print.claims.push(Claim::Id(producer.head.id.clone()));
        claim_stream(Some(producer.transport), producer.stream.map(|stream| stream.stream_id), print);
        let feeds = producer.feeds.keys().map(|shard| Claim::Feed(Source::DataProducer(no), *shard));
        print.claims.extend(feeds);
        producer.consumers.iter().for_each(|consumer| self.claim_data_consumer(*consumer, print));
    }

    fn claim_data_consumer(&self, no: No<DataConsumer>, print: &mut Footprint) {
        let Some(consumer) = self.data_consumers.get(no) else { return };
        print.claims.push(Claim::Id(consumer.head.id.clone()));
        claim_stream(Some(consumer.transport), consumer.stream.map(|stream| stream.stream_id), print);
    }

    /// Which of these names are of objects that may still turn out not to be.
    pub(super) fn uncertain(&self, names: &BTreeSet<Box<str>>) -> Vec<Claim> {
        let is_uncertain = |id: &str| {
            let head = self.find(id).and_then(|object| self.head(object));
            head.is_some_and(|head| !head.confirmed)
        };
        names.iter().filter(|id| is_uncertain(id)).map(|id| Claim::Id(id.clone())).collect()
    }

    /// What stood for a source where this is and is being taken down must be gone before it is put up again.
    fn await_source(&self, id: &str, wanted_by: &str, print: &mut Footprint) {
        self.refer(id, print);
        let source = match self.find(id) {
            Some(Object::Producer(no)) => Source::Producer(no),
            Some(Object::DataProducer(no)) => Source::DataProducer(no),
            _ => return,
        };
        let Some(shard) = self.shard_of(wanted_by) else { return };
        let feed = self.feeds(source).and_then(|feeds| feeds.get(&shard));
        print.awaits.extend(feed.filter(|feed| feed.draining).map(|_| Claim::Feed(source, shard)));
    }

    /// Names an object and what it is part of.
    fn refer(&self, id: &str, print: &mut Footprint) {
        print.needs.insert(id.into());
        let Some(object) = self.find(id) else { return };
        for outer in self.ancestors(object) {
            if let Some(head) = self.head(outer) {
                print.needs.insert(head.id.clone());
            }
        }
    }
}

/// A fixed port, or all ports of a range that is so small that one more or less may decide.
fn claim_ports(listen: &ListenInfo, print: &mut Footprint) {
    let port = |port| Claim::Port(listen.protocol.into(), port);
    match ports(listen) {
        Some(Ports::Fixed(fixed)) => print.claims.push(port(fixed)),
        Some(Ports::AnyOf(range)) if range.max.saturating_sub(range.min) < RANGE_CLAIMED_WHOLE => {
            print.claims.extend((range.min..=range.max).map(port));
        }
        Some(Ports::AnyOf(_)) | None => {}
    }
}

fn ports(listen: &ListenInfo) -> Option<Ports> {
    match (listen.port_range.given(), listen.port) {
        (Some(PortRange { min, max }), _) => Some(Ports::AnyOf(PortRange { min, max })),
        (None, 0) => None,
        (None, port) => Some(Ports::Fixed(port)),
    }
}

fn claim_sockets(sockets: &[Socket], print: &mut Footprint) {
    let bound = sockets.iter().filter_map(|socket| Some((socket.protocol, socket.bound?.port)));
    print
        .claims
        .extend(bound.map(|(protocol, port): (TransportProtocol, u16)| Claim::Port(protocol.into(), port)));
}

fn claim_received(transport: Option<No<Transport>>, parameters: &RtpParameters, print: &mut Footprint) {
    let Some(transport) = transport else { return };
    print.claims.extend(ssrcs(parameters).map(|ssrc| Claim::Received(transport, ssrc)));
    let mid = parameters.mid.as_deref().filter(|mid| !mid.is_empty());
    print.claims.extend(mid.map(|mid| Claim::Mid(transport, mid.into())));
    let rids = parameters.encodings.iter().filter_map(|encoding| encoding.rid.clone());
    print.claims.extend(rids.map(|rid| Claim::Rid(transport, rid)));
}

fn claim_sent(transport: Option<No<Transport>>, parameters: &RtpParameters, print: &mut Footprint) {
    let Some(transport) = transport else { return };
    print.claims.extend(ssrcs(parameters).map(|ssrc| Claim::Sent(transport, ssrc)));
}

fn claim_stream(transport: Option<No<Transport>>, stream: Option<u16>, print: &mut Footprint) {
    if let (Some(transport), Some(stream)) = (transport, stream) {
        print.claims.push(Claim::Stream(transport, stream));
    }
}

/// A range of more ports has others than those that are being freed.
const RANGE_CLAIMED_WHOLE: u16 = 64;
