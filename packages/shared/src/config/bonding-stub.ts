import * as z from "zod";

export const BondingSchema = z.record(z.string(), z.unknown());
