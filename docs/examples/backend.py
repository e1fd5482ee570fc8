# POST /rooms/tea?name=ada answers with the room of that name, and with a token for ada's browser. PORT=3000 python3 backend.py
import http.server, json, os, urllib.parse, urllib.request
URL, TOKEN = os.environ.get("SHARDCAST", "http://127.0.0.1:8480"), os.environ.get("TOKEN")
CODECS = [{"kind": "audio", "mimeType": "audio/opus", "clockRate": 48000, "channels": 2}, {"kind": "video", "mimeType": "video/VP8", "clockRate": 90000}]
rooms = {}
def ask(path, body):
    headers = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}
    return json.load(urllib.request.urlopen(urllib.request.Request(f"{URL}/v1/{path}", json.dumps(body).encode(), headers), timeout=10))
class Backend(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = urllib.parse.urlparse(self.path)
        try:
            room = rooms.get(asked.path) or rooms.setdefault(asked.path, ask("routers", {"mediaCodecs": CODECS}))
            who = {"subject": urllib.parse.parse_qs(asked.query)["name"][0], "seconds": 3600}
            status, answer = 200, {**room, "token": ask(f"routers/{room['id']}/tokens", who)["token"]}
        except Exception as error:
            if getattr(error, "code", None) == 404: del rooms[asked.path]  # The server was started anew: who asks again gets another room.
            status, answer = 502, {"error": str(error)}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())
server = http.server.HTTPServer(("127.0.0.1", int(os.environ.get("PORT", 0))), Backend)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
