/** What the lab can measure of a bond, in the order in which it does. */
export const FIGURES = ["alone", "ping", "start-up", "one-tcp", "eight-tcp", "udp", "cut", "spike", "flap"] as const;
export type Figure = (typeof FIGURES)[number];

export const FIGURE_DESCRIPTIONS: Record<Figure, string> = {
  alone: "one TCP connection and a ping over each line without wanbond, all lines at once",
  ping: "round trips over the idle bond",
  "one-tcp": "one TCP connection with a ping beside it: share of the goodput limit, redundancy",
  "eight-tcp": "eight TCP connections",
  udp: "UDP at 90 % of the goodput limit: loss and reordering",
  "start-up": "a download of 10 MB from the idle bond, against an ideal line of the sum",
  cut: "the line of a call turns into a black hole beside one TCP connection, and comes back after 5 s",
  spike: "the line of a call gets an RTT of 2 s for 15 s beside one TCP connection",
  flap: "the line of a call dies every other 2 s beside one TCP connection",
};
