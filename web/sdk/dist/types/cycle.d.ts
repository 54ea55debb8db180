import { ChatError } from "./codes.ts";
import { Conn, type Loss } from "./conn.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/** Makes s ready for a new cycle. A quiet one is not announced before something goes wrong. */
export declare function set(e: Engine, s: Seat, quiet: boolean, capMs?: number): void;
/** Connects once for whoever calls; failed may be heard, then nothing more is. */
export declare function connect(e: Engine, opened: (c: Conn) => void, failed: (error: ChatError) => void, pushed: (c: Conn, f: import("./wire.ts").ServerFrame) => void, lost: (c: Conn, l: Loss) => void): void;
export declare function dial(e: Engine, s: Seat): void;
/** Takes the next step of a cycle. */
export declare function goOn(e: Engine, s: Seat): void;
/** Ends a seat's connection, and the cycle for now. */
export declare function rest(s: Seat): void;
/** Goes on with the next try after a while. */
export declare function tryFailed(e: Engine, s: Seat, error: ChatError): void;
/** The server asks to come back later, which is no failure. */
export declare function comeBackLater(e: Engine, s: Seat, retryAfterMs: number): void;
/** The network may be back, or the device was awake again: nothing waits for its turn. */
export declare function wake(e: Engine): void;
