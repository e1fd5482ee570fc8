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

from sdp import description, fingerprints, own_media, say

# The worker's transports listen there, and nothing else of this machine is anybody's business.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


async def publish(transport):
    connection = RTCPeerConnection()
    connection.addTrack(AudioStreamTrack())
    connection.addTrack(VideoStreamTrack())
    await connection.setLocalDescription(await connection.createOffer())
    medias = own_media(connection.localDescription.sdp)
    say(offered=medias, fingerprints=fingerprints(connection.localDescription.sdp))
    answer = description(transport, medias, "recvonly")
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
