import type { Tunnel } from "./tunnel.ts";
import { PLAIN_NODE, VETH } from "./tunnel-plain.ts";
import { WANBOND } from "./tunnel-wanbond.ts";
import { OTHERS } from "./tunnels-others.ts";

/** In the order in which they take turns. */
export const TUNNELS: readonly Tunnel[] = [VETH, ...WANBOND, PLAIN_NODE, ...OTHERS];

/** What the others are put in relation to. */
export const REFERENCES = { link: VETH.name, baseline: PLAIN_NODE.name } as const;
