import { type Endpoint, formatEndpoint, parseEndpoint } from "@wanbond/shared/config";
import type { AddressFact, RouteFact } from "@wanbond/shared/system";
import { describe, expect, it } from "vitest";
import { endpointsAt, ownAddresses } from "../src/public-endpoints.ts";

const route = (family: 4 | 6, device: string, metric = 0, source: string | null = null): RouteFact => ({
  family,
  destination: "default",
  table: 254,
  device,
  gateway: null,
  metric,
  protocol: 3,
  source,
});
const address = (device: string, text: string, steady = true): AddressFact => ({
  device,
  family: text.includes(":") ? 6 : 4,
  address: text,
  length: text.includes(":") ? 64 : 24,
  scope: 0,
  steady,
});

describe("the address by which the internet reaches a host", () => {
  it.each([
    [
      "the one of its default route",
      [route(4, "eth0")],
      [address("eth1", "192.0.2.7"), address("eth0", "203.0.113.10")],
      ["203.0.113.10"],
      [],
    ],
    ["behind a provider's translation", [route(4, "eth0")], [address("eth0", "10.0.0.5")], [], ["10.0.0.5"]],
    [
      "of both versions",
      [route(4, "eth0"), route(6, "eth0")],
      [address("eth0", "203.0.113.10"), address("eth0", "2001:db8::a:1")],
      ["203.0.113.10", "2001:db8::a:1"],
      [],
    ],
    [
      "not one that changes every day",
      [route(6, "eth0")],
      [address("eth0", "2001:db8::1", false), address("eth0", "2001:db8::2")],
      ["2001:db8::2"],
      [],
    ],
    [
      "the best route's own source",
      [route(4, "eth1", 200), route(4, "eth0", 100, "203.0.113.11")],
      [address("eth0", "203.0.113.10"), address("eth0", "203.0.113.11")],
      ["203.0.113.11"],
      [],
    ],
    ["none without a route", [], [address("eth0", "203.0.113.10")], [], []],
  ])("is found: %s", (_what, routes, addresses, reachable, hidden) => {
    expect(ownAddresses(routes, addresses)).toEqual({ reachable, hidden });
  });

  it("gets the port of the listening address that takes it", () => {
    const listen = ["192.0.2.9:1000", "0.0.0.0:51900", "[::]:51901"].flatMap((text): Endpoint[] => {
      const endpoint = parseEndpoint(text);
      return endpoint === null ? [] : [endpoint];
    });
    expect(endpointsAt(["203.0.113.10", "2001:db8::1", "192.0.2.9"], listen).map(formatEndpoint)).toEqual([
      "203.0.113.10:51900",
      "[2001:db8::1]:51901",
      "192.0.2.9:1000",
    ]);
    expect(endpointsAt(["2001:db8::1"], listen.slice(0, 2))).toEqual([]);
  });
});
