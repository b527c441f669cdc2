// One clip by the clients `ai` and `@ai-sdk/gateway`: run with {base, key, model, input, into} as JSON.

import { writeFileSync } from "node:fs";
import { createGateway } from "@ai-sdk/gateway";
import { experimental_generateVideo as generateVideo } from "ai";

const given = JSON.parse(process.argv[2]);
const gateway = createGateway({ baseURL: `${given.base}/v4/ai`, apiKey: given.key });
const { video } = await generateVideo({
  model: gateway.video(given.model),
  ...given.input,
  maxRetries: 0,
  poll: { intervalMs: 50, timeoutMs: 30000 },
  // Its own download refuses loopback addresses.
  download: async ({ url }) => {
    const answer = await fetch(url);
    return { data: new Uint8Array(await answer.arrayBuffer()), mediaType: answer.headers.get("content-type") };
  },
});
writeFileSync(given.into, video.uint8Array);
