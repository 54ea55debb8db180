import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/** The UserSig to log in with, the newest first; "" if there is none. */
export declare function usable(e: Engine, s: Seat): string;
/** Remembers that a UserSig is of no use any more. */
export declare function refuse(e: Engine, s: Seat, userSig: string, code: number): void;
/** Asks the provider, or gives up. */
export declare function fetchUserSig(e: Engine, s: Seat): void;
