// Receives the service's webhooks on a local port.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

const TOLERANCE_S = 300;
export const FINAL = ["completed", "failed", "cancelled"];

export interface Message {
  courseId: string;
  status: string;
  progress: { step: number; message: string; percentage: number };
  data?: { jobId: string };
  error?: string;
}

/** Whether the webhook comes from the service and is recent. */
export function verify(secret: string, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const id = String(headers["webhook-id"]);
  const timestamp = String(headers["webhook-timestamp"]);
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${digest}`);
  return String(headers["webhook-signature"])
    .split(" ")
    .map((one) => Buffer.from(one))
    .some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}

/** The URL for webhooks, and the status of the last one received. */
export async function receive(secret: string): Promise<{ url: string; last: Promise<string>; close: () => void }> {
  let tell: (status: string) => void;
  const last = new Promise<string>((resolve) => (tell = resolve));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const good = verify(secret, request.headers, body);
    response.writeHead(good ? 204 : 401).end();
    if (!good) return;
    const message = JSON.parse(body.toString()) as Message;
    console.log(`webhook verified: ${message.status} ${message.progress.percentage} %`);
    if (FINAL.includes(message.status)) tell(message.status);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, last, close };
}
