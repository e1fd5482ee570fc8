// POST /rooms/tea?name=ada answers with the room of that name, and with a token for ada's browser. PORT=3000 node backend.mjs
import { createServer } from "node:http";
const { SHARDCAST = "http://127.0.0.1:8480", TOKEN, PORT = 0 } = process.env;
const mediaCodecs = [{ kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2 }, { kind: "video", mimeType: "video/VP8", clockRate: 90000 }];
const rooms = new Map();
async function ask(path, body) {
  const headers = TOKEN ? { Authorization: `Bearer ${TOKEN}` } : {};
  const answer = await fetch(`${SHARDCAST}/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return answer.ok ? answer.json() : Promise.reject(Object.assign(new Error(await answer.text()), { status: answer.status }));
}
const backend = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://backend");
  try {
    if (!rooms.has(pathname)) rooms.set(pathname, ask("routers", { mediaCodecs }).catch((error) => rooms.delete(pathname) && Promise.reject(error)));
    const room = await rooms.get(pathname);
    const { token } = await ask(`routers/${room.id}/tokens`, { subject: searchParams.get("name"), seconds: 3600 });
    response.end(JSON.stringify({ ...room, token }));
  } catch (error) {
    if (error.status === 404) rooms.delete(pathname); // The server was started anew: who asks again gets another room.
    response.writeHead(502).end(error.message);
  }
}).listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${backend.address().port}`));
