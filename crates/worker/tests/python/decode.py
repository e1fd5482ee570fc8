"""Decodes one video stream with aiortc's RTP and codec layers and prints each picture's SHA-1.

    decode.py PORT MIME-TYPE

Plain RTP on 127.0.0.1:PORT; what can not be read or decoded ends it with the reason.
"""

import hashlib
import socket
import sys

import av.logging
from aiortc.codecs import depayload, get_decoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

CLOCK_RATE = 90_000
# As its receiver has it for video.
CAPACITY = 128


def fingerprint(frame):
    """Of the picture, without what pads its rows in memory."""
    planes = []
    for plane in frame.planes:
        rows = memoryview(plane)
        for row in range(plane.height):
            start = row * plane.line_size
            planes.append(bytes(rows[start : start + plane.width]))
    return hashlib.sha1(b"".join(planes)).hexdigest()


def main(port, mime_type):
    # Errors of libavcodec are raised by themselves; what it conceals, it only says.
    av.logging.set_level(av.logging.WARNING)
    codec = RTCRtpCodecParameters(mimeType=mime_type, clockRate=CLOCK_RATE, payloadType=0)
    decoder = get_decoder(codec)
    frames = JitterBuffer(capacity=CAPACITY, is_video=True)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # As much as the kernel allows: it decodes between two looks.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_000_000)
    sock.bind(("127.0.0.1", port))
    while True:
        packet = RtpPacket.parse(sock.recv(65_536))
        packet._data = depayload(codec, packet.payload)
        lost, frame = frames.add(packet)
        if lost:
            raise RuntimeError("packets are missing")
        for picture in decoder.decode(frame) if frame else []:
            print("picture", fingerprint(picture), flush=True)


main(int(sys.argv[1]), sys.argv[2])
