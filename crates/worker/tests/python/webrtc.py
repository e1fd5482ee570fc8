# aiortc as a WebRTC peer of the worker: it publishes a tone and a moving picture by one connection, and decodes what
# comes back by another.
#   venv/bin/python webrtc.py
# Lines of JSON come in and go out; signalling is what the scenario says in them. It ends with its input.
import asyncio
import json
import sys

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

import aioice.ice

# The worker's transports listen there, and nothing else of this machine is anybody's business.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


def say(**what):
    print(json.dumps(what), flush=True)


def section(mid, media, transport, direction):
    """One medium of a description of the worker's side."""
    ice, kind, pt = transport["iceParameters"], media["kind"], media["payloadType"]
    rtpmap = "opus/48000/2" if kind == "audio" else "VP8/90000"
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {pt}",
        "c=IN IP4 127.0.0.1",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        f"a=rtpmap:{pt} {rtpmap}",
        f"a=ice-ufrag:{ice['usernameFragment']}",
        f"a=ice-pwd:{ice['password']}",
        f"a=setup:{transport['setup']}",
    ]
    if kind == "video":
        lines += [f"a=rtcp-fb:{pt} nack", f"a=rtcp-fb:{pt} nack pli"]
    for print_ in transport["dtlsParameters"]["fingerprints"]:
        if print_["algorithm"] == "sha-256":
            lines.append(f"a=fingerprint:sha-256 {print_['value']}")
    for candidate in transport["iceCandidates"]:
        lines.append(
            f"a=candidate:{candidate['foundation']} 1 {candidate['protocol']} {candidate['priority']} "
            f"{candidate['ip']} {candidate['port']} typ host"
        )
    lines.append("a=end-of-candidates")
    if "ssrc" in media:
        lines += [f"a=msid:worker {kind}", f"a=ssrc:{media['ssrc']} cname:worker"]
    return lines


def description(transport, medias, direction):
    mids = " ".join(str(mid) for mid in range(len(medias)))
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mids}", "a=ice-lite"]
    for mid, media in enumerate(medias):
        lines += section(mid, media, transport, direction)
    return "\r\n".join(lines) + "\r\n"


def fingerprints(sdp):
    prints = {line.split(":", 1)[1] for line in sdp.splitlines() if line.startswith("a=fingerprint:")}
    return [dict(zip(("algorithm", "value"), text.split(" "))) for text in sorted(prints)]


def own_media(sdp):
    """What the sections of our own offer send: kind, payload type and SSRC of each."""
    medias = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            medias.append({"kind": line[2:].split(" ")[0]})
        elif line.startswith("a=rtpmap:"):
            pt, name = line[len("a=rtpmap:"):].split(" ")
            if name.lower().startswith(("opus/", "vp8/")):
                medias[-1]["payloadType"] = int(pt)
        elif line.startswith("a=ssrc:") and "ssrc" not in medias[-1]:
            medias[-1]["ssrc"] = int(line[len("a=ssrc:"):].split(" ")[0])
    return medias


async def publish(transport):
    connection = RTCPeerConnection()
    connection.addTrack(AudioStreamTrack())
    connection.addTrack(VideoStreamTrack())
    await connection.setLocalDescription(await connection.createOffer())
    medias = own_media(connection.localDescription.sdp)
    say(offered=medias, fingerprints=fingerprints(connection.localDescription.sdp))
    answers = [{"kind": media["kind"], "payloadType": media["payloadType"]} for media in medias]
    answer = description(transport, answers, "recvonly")
    await connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
    return connection


async def count(track, frames):
    try:
        while True:
            await track.recv()
            frames[track.kind] = frames.get(track.kind, 0) + 1
    except MediaStreamError:
        pass  # The connection was closed.


async def receive(transport, medias):
    connection, frames = RTCPeerConnection(), {}
    connection.on("track", lambda track: asyncio.ensure_future(count(track, frames)))
    offer = description(transport, medias, "sendonly")
    await connection.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    say(answered=True, fingerprints=fingerprints(connection.localDescription.sdp))
    return connection, frames


async def lost(connection):
    report = await connection.getStats()
    return sum(stats.packetsLost for stats in report.values() if stats.type == "inbound-rtp")


async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    publisher = receiver = frames = None
    while line := await reader.readline():
        asked = json.loads(line)
        if asked["do"] == "publish":
            publisher = await publish(asked["transport"])
        elif asked["do"] == "receive":
            receiver, frames = await receive(asked["transport"], asked["medias"])
        elif asked["do"] == "count":
            say(frames=frames, lost=await lost(receiver))
    for connection in filter(None, (publisher, receiver)):
        await connection.close()


asyncio.run(main())
