import { type Engine } from "./engine.ts";
import type { News } from "./model.ts";
import type { Seat } from "./seat.ts";
/** Tells the app what is new, in this order: messages, recalls, receipts, the list, the unread. */
export declare function tell(e: Engine, s: Seat, n: News): void;
