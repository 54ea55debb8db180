import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/** Takes a renewUserSig() call: a login() that can be nothing but a renewal. */
export declare function renewUserSig(e: Engine, k: Call): void;
/** Gives the account that is in a new UserSig. */
export declare function renew(e: Engine, s: Seat, k: Call): void;
/** Goes by the server's word on a renewal: in force, or dropped. */
export declare function keptAnswered(e: Engine, s: Seat, userSig: string, code: number): void;
