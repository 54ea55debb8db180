import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";
/** logout() waits so long for the server. */
export declare const LOGOUT_WAIT = 2000;
export declare const DONE: {
    code: number;
    data: {};
};
/** Takes a logout() call. */
export declare function logout(e: Engine, k: Call): void;
