import { ChatError } from "./codes.ts";
import { type Refusal } from "./wire.ts";
import type { Seat } from "./seat.ts";
import type { Engine } from "./engine.ts";
export declare const VERSION = "0.1.0";
/** To a login or resume. */
export declare const ANSWER_WITHIN = 10000;
/** Sends what brings s in: its attempt's login, or a resume of its session. */
export declare function ask(e: Engine, s: Seat): void;
export declare const otherKind: () => ChatError;
/** How often the server wants to hear of us, within reason and with a margin for a slow network. */
export declare function heartbeat(ms: number): number;
export declare const refusalOf: (r: Refusal) => ChatError;
