import { renderUnicodeCompact } from "uqr";

/** A QR code for a terminal, two modules in a character; light on dark, so a dark terminal shows it as it should be. */
export function qrCode(text: string): string {
  return `${renderUnicodeCompact(text, { ecc: "L", border: 2 })}\n`;
}
