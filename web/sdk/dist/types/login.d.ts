import { ChatError } from "./codes.ts";
import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/** The longest UserSig. */
export declare const MAX_USERSIG = 2048;
/** What the app is told when it is in already. */
export declare const REPEATED: {
    code: number;
    data: {
        repeatLogin: boolean;
    };
};
/** Takes a login() call. What is refused on the spot changes nothing. */
export declare function login(e: Engine, k: Call): void;
/** Lets the login() call k go for s. */
export declare function loginOn(e: Engine, s: Seat, k: Call): void;
/** Ends a login(). What was sent and not answered is logged out. */
export declare function failLogin(e: Engine, s: Seat, error: ChatError): void;
/**
 * Tells whether a UserSig is known to have ended: the server has said so, or its end has
 * passed by the server's clock. The local clock alone is not believed, nor, when nobody
 * is in, a server's that was heard long ago.
 */
export declare function isOver(e: Engine, userSig: string): boolean;
