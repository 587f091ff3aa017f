import { describe, expect, it } from "vitest";
import { findPlaces, placeOf } from "../../src/config/toml-places.ts";

const TEXT = `# a comment = 1
top = """
[not.a.table]
no = "key"
"""
[a]
  x = 1
list = [ # [[
  "]", '\\', "\\"]",
]
after = 2
"quoted key" = {inline = 1}
dotted.sub = 1
[[row]]
n = 1
[row.inner]
n = 2
[[row]]
n = 3
`;

describe("places of keys in TOML", () => {
  const places = findPlaces(TEXT);
  it.each([
    [["top"], "2:1"],
    [["a"], "6:1"],
    [["a", "x"], "7:3"],
    [["a", "list"], "8:1"],
    [["a", "after"], "11:1"],
    [["a", "quoted key"], "12:1"],
    [["a", "dotted", "sub"], "13:1"],
    [["row", 0, "n"], "15:1"],
    [["row", 0, "inner", "n"], "17:1"],
    [["row", 1, "n"], "19:1"],
  ])("%j stands at %s", (path, place) => {
    expect(placeOf(places, path)).toBe(place);
  });

  it("gives the place of what is around a key that does not stand there", () => {
    expect(placeOf(places, ["row", 1, "missing"])).toBe("18:1");
    expect(placeOf(places, ["a", "list", 1])).toBe("8:1");
    expect(placeOf(places, ["not", "a", "table"])).toBeNull();
  });
});
