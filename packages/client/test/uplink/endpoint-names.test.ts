import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EndpointNames, type NamedAddress } from "../../src/uplink/endpoint-names.ts";

const NAME = "concentrator.example";
const FIRST = { address: "203.0.113.10", family: 4 };
const SECOND = { address: "203.0.113.11", family: 4 };

describe("names of the concentrator", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** @param answers of the resolver, one after the other; null: it fails. The last one stays. */
  function setUp(...answers: (readonly NamedAddress[] | null)[]) {
    const warnings: object[] = [];
    const log = { debug: vi.fn(), info: vi.fn(), error: vi.fn(), warn: (fields: object) => warnings.push(fields) };
    const changed = vi.fn();
    const resolve = vi.fn(async () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer == null) throw new Error("EAI_AGAIN");
      return answer;
    });
    const names = new EndpointNames(log as never, changed, resolve);
    /** Asks and lets the resolver answer. */
    const ask = async () => {
      names.addressesOf(NAME);
      await vi.advanceTimersByTimeAsync(0);
      return names.addressesOf(NAME);
    };
    return { names, ask, changed, resolve, warnings };
  }

  it("tells when the first answer is there, and answers with what it knows meanwhile", async () => {
    const { names, changed } = setUp([FIRST]);
    expect(names.addressesOf(NAME)).toEqual([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(changed).toHaveBeenCalledTimes(1);
    expect(names.addressesOf(NAME)).toEqual([FIRST]);
  });

  it("keeps the addresses when the resolver fails later", async () => {
    const { ask, changed } = setUp([FIRST], null);
    await ask();
    expect(await ask()).toEqual([FIRST]);
    expect(await ask()).toEqual([FIRST]);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it("takes other addresses, but the same ones in another order are no change", async () => {
    const { ask, changed } = setUp([FIRST, SECOND], [SECOND, FIRST], [SECOND]);
    await ask();
    await ask();
    expect(await ask()).toEqual([SECOND]);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  it("asks for an unknown name every second, and warns of it once", async () => {
    const { names, ask, changed, resolve, warnings } = setUp(null, null, null, [FIRST]);
    await ask();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(changed).toHaveBeenCalledTimes(1);
    expect(names.addressesOf(NAME)).toEqual([FIRST]);
    expect(warnings).toHaveLength(1);
    expect(resolve.mock.calls.length).toBeLessThan(8);
  });

  it("asks one question at a time", async () => {
    const { names, resolve } = setUp([FIRST]);
    for (let i = 0; i < 10; i++) names.addressesOf(NAME);
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  it("is silent after its end", async () => {
    const { names, changed, resolve } = setUp(null, [FIRST]);
    names.addressesOf(NAME);
    names.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(changed).not.toHaveBeenCalled();
    expect(resolve).toHaveBeenCalledTimes(1);
  });
});
