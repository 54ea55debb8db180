import type { Box } from "./box.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/** Kept when the list of b is there, or does not come for now. Only one that was never here is waited for. */
export declare function firstList(e: Engine, b: Box): Promise<void>;
/** Lets those go on that wait for the first list. */
export declare function letGo(s: Seat): void;
