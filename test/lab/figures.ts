/** What the lab can measure of a bond, in the order in which it does. */
export const FIGURES = ["alone", "ping", "one-tcp", "eight-tcp", "udp", "cut"] as const;
export type Figure = (typeof FIGURES)[number];

export const FIGURE_DESCRIPTIONS: Record<Figure, string> = {
  alone: "one TCP connection and a ping over each line without wanbond, all lines at once",
  ping: "round trips over the idle bond",
  "one-tcp": "one TCP connection with a ping beside it: share of the goodput limit, redundancy",
  "eight-tcp": "eight TCP connections",
  udp: "UDP at 90 % of the goodput limit: loss and reordering",
  cut: "the line of a call turns into a black hole under full load, and comes back",
};
