import type { Engine } from "./engine.ts";
import type { LoginSession } from "./types.ts";
/** Lists where the account is logged in. */
export declare function sessions(e: Engine): Promise<LoginSession[]>;
export interface SignedOut {
    /** How many sessions were ended. */
    count: number;
    /** With userSigs: UserSigs made before it are dead, in seconds since 1970 UTC; else 0. */
    validFrom: number;
}
/** Ends a session by its number; 0: all but this one. */
export declare function signOut(e: Engine, session: number, userSigs: boolean): Promise<SignedOut>;
