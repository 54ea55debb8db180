import { type Notice, type ServerFrame } from "./wire.ts";
import type { Conn } from "./conn.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
/** Hears what the server says unasked. */
export declare function pushed(e: Engine, s: Seat, c: Conn, f: ServerFrame): void;
/**
 * The session was ended. First it is kept that the app knows, then the server learns
 * it, then the app.
 */
export declare function noticed(e: Engine, s: Seat, n: Notice): void;
/** Sets the alarms for the end of the session's UserSig, which is good through the second given. */
export declare function endsAt(e: Engine, s: Seat, seconds: number): void;
/**
 * The session has ended with its UserSig. A renewal that is on its way becomes a
 * login(), one that was kept or what the provider gives is for an automatic login of
 * which the app need not hear; without any it is over. The notice says why, if there
 * was one.
 */
export declare function userSigOver(e: Engine, s: Seat, notice?: Notice): void;
