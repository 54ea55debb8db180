/**
 * Codes that this SDK gives by itself or goes by. Those of the server are passed on
 * as they are: docs/codes.md lists all.
 */
export declare const CODE: {
    readonly OK: 0;
    readonly NO_CONVERSATION: 6004;
    readonly REQUEST_TIMEOUT: 6012;
    readonly NOT_INITIALIZED: 6013;
    readonly NOT_LOGGED_IN: 6014;
    readonly INVALID_PARAMETERS: 6017;
    readonly DATABASE_FAILED: 6019;
    readonly IO_FAILED: 6022;
    readonly LOGGED_OUT_BEFORE_LOGIN: 6023;
    readonly USERSIG_EXPIRED_HERE: 6206;
    readonly KICKED_OFF_BY_OTHER: 6208;
    readonly ILLEGAL_USER_ID: 7003;
    readonly CALL_FREQUENCY: 7008;
    readonly INTERRUPTED: 7009;
    readonly LOGIN_IN_PROCESS: 7501;
    readonly MESSAGE_TOO_LARGE: 8001;
    readonly DISCONNECTED: 9508;
    readonly CONNECT_TIMEOUT: 9510;
    readonly UNANSWERED: 9520;
    readonly ALREADY_RECALLED: 20023;
    readonly PARSE_FAILED: 60003;
    readonly UNKNOWN_REQUEST: 60009;
    readonly TOO_MANY_REQUESTS: 60018;
    readonly USERSIG_EXPIRED: 70001;
    readonly ACCOUNT_DISABLED: 70051;
    readonly USERSIG_REVOKED: 70052;
    readonly INTERNAL: 70500;
    readonly LOGIN_FREQUENCY: 72010;
};
/** What a call of the SDK is refused with. */
export declare class ChatError extends Error {
    /** The code; docs/codes.md says what each means and what to do. */
    readonly code: number;
    /** In ms: the same call may be granted after it; 0 if the server did not say. */
    readonly retryAfterMs: number;
    constructor(code: number, message: string, retryAfterMs?: number);
}
/** What an error says. */
export declare const reason: (error: unknown) => string;
export declare const isAboutUserSig: (code: number) => boolean;
/** The UserSig is never good again. */
export declare const saysExpired: (code: number) => boolean;
/** The same request may be granted later. (A login() is ended by most of these: there the app decides.) */
export declare function forAWhile(code: number, retryAfterMs: number): boolean;
