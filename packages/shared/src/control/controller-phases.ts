/** What the controller of a line does in each of its phases, for people. */
export const PHASE_SENTENCES: ReadonlyMap<string, string> = new Map([
  ["startup", "looking for the rate of the line"],
  ["steady", "the rate is known, the queue is held short"],
  ["foreign", "a delay that this bond did not cause: the rate is frozen"],
  ["competing", "others keep a queue on the line: this bond keeps its share of it"],
  ["policed", "the line drops what is above a rate: that rate is held"],
]);
