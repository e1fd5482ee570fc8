import * as mediasoup from "mediasoup"; // npm install mediasoup@3.27.1; cargo build --release -p shardcast-worker
const worker = await mediasoup.createWorker({ workerBin: "target/release/shardcast-worker" });
const mediaCodecs = [{ kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2 }];
const router = await worker.createRouter({ mediaCodecs });
console.log(router.rtpCapabilities); // And so on: the rest of the application stays as it is.
