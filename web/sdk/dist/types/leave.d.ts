import { ChatError } from "./codes.ts";
import { type Logout } from "./journal.ts";
import type { Conn } from "./conn.ts";
import type { Engine } from "./engine.ts";
import type { KickedOut } from "./types.ts";
import type { Seat } from "./seat.ts";
/** Gives s a new attempt; what was left of an earlier one is dropped. */
export declare function begin(e: Engine, s: Seat, automatic: boolean): void;
/**
 * Ends s's attempt. One that was sent and not answered leaves a pending logout
 * behind: the server may have made its session.
 */
export declare function drop(e: Engine, s: Seat, answered: boolean): void;
/**
 * Ends an attempt that was refused. The refusal answers one frame of it: another that
 * was never answered may have made its session, or may yet.
 */
export declare function dropRefused(e: Engine, s: Seat): void;
/**
 * Takes the account out by the app's will: what the server may hold of it becomes
 * pending logouts, which are returned; calls on their way get cause.
 */
export declare function leave(e: Engine, s: Seat, cause: ChatError): [Conn | undefined, Logout[]];
/** Empties the seat: nobody is in. The connection, if there is one, is the caller's to end. */
export declare function vacate(e: Engine, s: Seat, cause: ChatError): Conn | undefined;
/** Stops the cycle where it stands. */
export declare function halt(s: Seat): void;
/** Ends the seat by somebody else's will, or because no UserSig is left for it. */
export declare function kicked(e: Engine, s: Seat, k: KickedOut): void;
