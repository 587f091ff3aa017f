import { isIP } from "node:net";
import { parseIpAddress } from "../packet/index.ts";

/** One UDP endpoint as an operator writes it. */
export interface Endpoint {
  /** An address without brackets, or a DNS name. */
  readonly host: string;
  /** 1..65535. */
  readonly port: number;
  /** null when host is a DNS name, which has to be resolved first. */
  readonly family: 4 | 6 | null;
}

/** Reads `192.0.2.1:51900`, `[2001:db8::1]:51900` or `name.example:51900`; null when it is none of them. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([1-9]\d{0,4})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) return null;
  const [, bracketed, plain = ""] = match;
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port, family: 6 } : null;
  if (isIP(plain) === 4) return { host: plain, port, family: 4 };
  return isDnsName(plain) ? { host: plain, port, family: null } : null;
}

/** The same text for the same endpoint however it is written; null for what is none. */
export function endpointIdentity(text: string): string | null {
  const endpoint = parseEndpoint(text);
  if (endpoint === null) return null;
  return `${parseIpAddress(endpoint.host)?.join(".") ?? endpoint.host.toLowerCase()}:${endpoint.port}`;
}

/** The written form: IPv6 addresses in brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  return `${endpoint.family === 6 ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

/** RFC 1123 host name whose last label is not a number, so that a mistyped IPv4 address is not taken for a name. */
function isDnsName(text: string): boolean {
  const labels = text.split(".");
  const label = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
  return text.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? "");
}
