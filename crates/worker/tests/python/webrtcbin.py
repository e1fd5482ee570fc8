# GStreamer's webrtcbin as a WebRTC peer of the worker: libnice, its DTLS on OpenSSL with an RSA certificate, libsrtp, real
# encoders and decoders. It publishes a tone and a moving picture by one element, and decodes what comes back by another.
#   /usr/bin/python3 webrtcbin.py
# Lines of JSON come in and go out; signalling is what the scenario says in them. It ends with its input.
import json
import os
import sys
import threading

import gi

for namespace in (("Gst", "1.0"), ("GstSdp", "1.0"), ("GstWebRTC", "1.0"), ("Nice", "0.1")):
    gi.require_version(*namespace)
from gi.repository import Gst, GstSdp, GstWebRTC, Nice

from sdp import description, fingerprints, own_media, say

# By codec: what encodes, what makes packets of it, and what takes them apart again.
AUDIO = (
    "audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 ! opusenc",
    "rtpopuspay",
    "rtpopusdepay ! opusdec plc=false",
)
PICTURES = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=30/1"
CODECS = {
    "OPUS": AUDIO,
    "VP8": (
        f"{PICTURES} ! vp8enc deadline=1 keyframe-max-dist=15 target-bitrate=800000",
        "rtpvp8pay picture-id-mode=15-bit mtu=1200",
        "rtpvp8depay ! vp8dec",
    ),
    "H264": (
        f"{PICTURES} ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 bitrate=800"
        " ! video/x-h264,profile=constrained-baseline",
        "rtph264pay config-interval=-1 aggregate-mode=zero-latency mtu=1200",
        "rtph264depay ! h264parse ! avdec_h264 max-threads=1",
    ),
}


class Peer:
    """A pipeline with one webrtcbin in it."""

    def __init__(self, sources=""):
        self.pipeline = Gst.parse_launch(f"webrtcbin name=peer bundle-policy=max-bundle latency=100 {sources}")
        if not sources:
            # What has one element only is no pipeline yet.
            element, self.pipeline = self.pipeline, Gst.Pipeline.new()
            self.pipeline.add(element)
        self.peer = self.pipeline.get_by_name("peer")
        # The element has no reference of its own to it: it lives as long as this one.
        self.ice = self.peer.get_property("ice-agent")
        agent = self.ice.get_property("agent")
        # The worker's transports listen there, where it would not look by itself, and nothing else of this machine is
        # anybody's business.
        loopback = Nice.Address.new()
        loopback.set_from_string("127.0.0.1")
        agent.add_local_address(loopback)
        agent.set_property("upnp", False)
        self.frames = {"audio": 0, "video": 0}
        self.jitter_buffers = []
        note = lambda _bin, buffer, _session, _ssrc: self.jitter_buffers.append(buffer)
        self.peer.get_by_name("rtpbin").connect("new-jitterbuffer", note)

    def play(self):
        assert self.pipeline.set_state(Gst.State.PLAYING) != Gst.StateChangeReturn.FAILURE

    def ask(self, action, *arguments, read=lambda reply: None):
        """What `read` makes of the answer, which is gone with the promise."""
        promise = Gst.Promise.new()
        self.peer.emit(action, *arguments, promise)
        assert promise.wait() == Gst.PromiseResult.REPLIED, action
        reply = promise.get_reply()
        assert not (reply and reply.has_field("error")), f"{action}: {reply and reply.get_value('error')}"
        return read(reply)

    def created(self, kind):
        text = self.ask(f"create-{kind}", None, read=lambda reply: reply.get_value(kind).sdp.as_text())
        self.ask("set-local-description", session(kind, text))
        return text

    def told(self, kind, text):
        self.ask("set-remote-description", session(kind, text))

    def decode(self, pad):
        """Something new comes in: from here on what is decoded of it is counted."""
        if pad.direction != Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps().get_structure(0)
        kind, name = caps.get_string("media"), caps.get_string("encoding-name")
        decoder = Gst.parse_bin_from_description(f"queue ! {CODECS[name][2]} ! fakesink name=end sync=false", True)
        decoder.get_by_name("end").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self.count, kind)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        assert pad.link(decoder.sinkpads[0]) == Gst.PadLinkReturn.OK

    def count(self, _pad, _info, kind):
        self.frames[kind] += 1
        return Gst.PadProbeReturn.OK

    def buffers(self):
        """What jitter buffers counted: one for each stream that comes in."""
        counts = {"pushed": 0, "lost": 0, "late": 0, "duplicates": 0}
        for stats in [buffer.get_property("stats") for buffer in self.jitter_buffers]:
            for name in counts:
                counts[name] += stats.get_value(f"num-{name}")
        return counts

    def complaints(self):
        bus, said = self.pipeline.get_bus(), []
        while message := bus.pop_filtered(Gst.MessageType.ERROR | Gst.MessageType.WARNING):
            error = message.parse_error() if message.type == Gst.MessageType.ERROR else message.parse_warning()
            said.append(f"{message.src.get_name()}: {error[0].message} {error[1]}")
        return said

    def end(self):
        self.pipeline.set_state(Gst.State.NULL)


def session(kind, text):
    result, message = GstSdp.SDPMessage.new_from_text(text)
    assert result == GstSdp.SDPResult.OK, text
    return GstWebRTC.WebRTCSessionDescription.new(getattr(GstWebRTC.WebRTCSDPType, kind.upper()), message)


def publish(transport, codecs):
    sources = []
    for i, name in enumerate(codecs):
        encode, pay, _ = CODECS[name]
        media, pt, ssrc = "audio" if name == "OPUS" else "video", 96 + i, 3_000_000_000 + i
        # What it offers before the first packet has come is what the caps say.
        caps = f"application/x-rtp,media={media},encoding-name={name},payload={pt},ssrc=(uint){ssrc}"
        sources.append(f"{encode} ! {pay} pt={pt} ssrc={ssrc} ! queue ! {caps} ! peer.")
    peer, is_known = Peer(" ".join(sources)), threading.Event()
    # It is once there are packets on all pads.
    peer.peer.connect("on-negotiation-needed", lambda _: is_known.set())
    peer.play()
    is_known.wait()
    offer = peer.created("offer")
    medias = own_media(offer)
    say(offered=medias, fingerprints=fingerprints(offer))
    peer.told("answer", description(transport, medias, "recvonly"))
    return peer


def receive(transport, medias):
    peer = Peer()
    peer.peer.connect("pad-added", lambda _, pad: peer.decode(pad))
    peer.play()
    peer.told("offer", description(transport, medias, "sendonly"))
    say(answered=True, fingerprints=fingerprints(peer.created("answer")))
    return peer


def main():
    Gst.init(None)
    publisher = receiver = None
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "publish":
            publisher = publish(asked["transport"], asked["codecs"])
        elif asked["do"] == "receive":
            receiver = receive(asked["transport"], asked["medias"])
        elif asked["do"] == "count":
            said = publisher.complaints() + receiver.complaints()
            say(frames=receiver.frames, **receiver.buffers(), complaints=said)
    for peer in filter(None, (publisher, receiver)):
        peer.end()
    # Without the interpreter's tidying, in which `ice` would go twice.
    os._exit(0)


main()
