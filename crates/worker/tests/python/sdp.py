# Descriptions of the worker's side for stacks that want SDP (RFC 8866, RFC 9429), and what theirs say.
import json


def say(**what):
    print(json.dumps(what), flush=True)


def section(mid, media, transport, direction):
    """One medium of a description of the worker's side."""
    ice, kind, pt = transport["iceParameters"], media["kind"], media["payloadType"]
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {pt}",
        "c=IN IP4 127.0.0.1",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        f"a=rtpmap:{pt} {RTPMAP[media['codec']]}",
        f"a=ice-ufrag:{ice['usernameFragment']}",
        f"a=ice-pwd:{ice['password']}",
        f"a=setup:{transport['setup']}",
    ]
    if kind == "video":
        lines += [f"a=rtcp-fb:{pt} nack", f"a=rtcp-fb:{pt} nack pli"]
    if media["codec"] == "H264":
        lines.append(f"a=fmtp:{pt} {H264}")
    for print_ in transport["dtlsParameters"]["fingerprints"]:
        if print_["algorithm"] == "sha-256":
            lines.append(f"a=fingerprint:sha-256 {print_['value']}")
    for candidate in transport["iceCandidates"]:
        lines.append(
            f"a=candidate:{candidate['foundation']} 1 {candidate['protocol']} {candidate['priority']} "
            f"{candidate['ip']} {candidate['port']} typ host"
        )
    lines.append("a=end-of-candidates")
    if direction == "sendonly":
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
    """What the sections of our own offer send: kind, codec, payload type and SSRC of each."""
    medias = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            medias.append({"kind": line[2:].split(" ")[0]})
        elif line.startswith("a=rtpmap:"):
            pt, name = line[len("a=rtpmap:"):].split(" ")
            codec = name.split("/")[0].upper()
            # What it likes best comes first.
            if codec in RTPMAP and "codec" not in medias[-1]:
                medias[-1] |= {"payloadType": int(pt), "codec": codec}
        elif line.startswith("a=ssrc:") and "ssrc" not in medias[-1]:
            medias[-1]["ssrc"] = int(line[len("a=ssrc:"):].split(" ")[0])
    return medias


RTPMAP = {"OPUS": "opus/48000/2", "VP8": "VP8/90000", "H264": "H264/90000"}
# What the scenarios' routers offer.
H264 = "packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1"
