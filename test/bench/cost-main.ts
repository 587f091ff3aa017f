/**
 * Figures of the code alone, without a network: `policy NAME SECONDS`, `stages SECONDS`, `x25519 SECONDS`; JSON on
 * stdout. Run as a bundle, as the product is: what loads TypeScript file by file makes it several times slower. A policy
 * has a process of its own, as in the product, so that the engine knows of no other.
 */
import { defaultBondSettings, type PolicyName } from "../../packages/shared/src/bond/index.ts";
import { EmptyLoop } from "./cost-empty.ts";
import { CostLoop } from "./cost-loop.ts";
import type { LoopCost, PolicyCost } from "./cost-result.ts";
import { pickCost, stageCosts } from "./cost-stages.ts";
import { median } from "./cost-timing.ts";
import { x25519Costs } from "./cost-x25519.ts";

const MEMBERS = 4;
/** 1.1 Gbit/s of full packets. */
const KILOFRAMES_PER_SECOND = 100;
const SAMPLE_FRAMES = 19_200;
/** Frames that the TAP has at once under load, and when the line is quiet. */
const LOADED = 64;
const ALONE = 1;

function policyCost(policy: PolicyName, seconds: number): PolicyCost {
  const loop = new CostLoop(defaultBondSettings(policy), MEMBERS);
  const empty = new EmptyLoop();
  loop.raise(LOADED, KILOFRAMES_PER_SECOND);
  const net = (batch: number): LoopCost => {
    const ports = sampled(seconds / 4, () => empty.run(SAMPLE_FRAMES, batch));
    const all = sampled(seconds, () => loop.run(SAMPLE_FRAMES, batch, KILOFRAMES_PER_SECOND));
    return { egressNs: all.egressNs - ports.egressNs, ingressNs: all.ingressNs - ports.ingressNs };
  };
  return { policy, members: MEMBERS, loaded: net(LOADED), alone: net(ALONE), pickNs: pickCost(policy, seconds) };
}

/** Medians of samples of the second half: in the first the engine settles. */
function sampled(seconds: number, sample: () => LoopCost): LoopCost {
  const startMs = performance.now();
  const samples: LoopCost[] = [];
  const settled: LoopCost[] = [];
  while (performance.now() - startMs < seconds * 1000 || settled.length === 0) {
    const list = performance.now() - startMs < seconds * 500 ? samples : settled;
    list.push(sample());
  }
  return {
    egressNs: median(settled.map(({ egressNs }) => egressNs)),
    ingressNs: median(settled.map(({ ingressNs }) => ingressNs)),
  };
}

const [what, ...parameters] = process.argv.slice(2);
const seconds = Number(parameters.at(-1));
const results = {
  policy: () => policyCost(parameters[0] as PolicyName, seconds),
  stages: () => stageCosts(seconds),
  x25519: () => x25519Costs(seconds),
};
const measure = Object.entries(results).find(([name]) => name === what)?.[1];
if (measure === undefined) throw new Error(`there is no figure "${what}"`);
console.log(JSON.stringify(measure()));
