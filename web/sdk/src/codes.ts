/**
 * Codes that this SDK gives by itself or goes by. Those of the server are passed on
 * as they are: docs/codes.md lists all.
 */
export const CODE = {
	OK: 0,
	NO_CONVERSATION: 6004,
	REQUEST_TIMEOUT: 6012,
	NOT_INITIALIZED: 6013,
	NOT_LOGGED_IN: 6014,
	INVALID_PARAMETERS: 6017,
	DATABASE_FAILED: 6019,
	IO_FAILED: 6022,
	LOGGED_OUT_BEFORE_LOGIN: 6023,
	USERSIG_EXPIRED_HERE: 6206,
	KICKED_OFF_BY_OTHER: 6208,
	ILLEGAL_USER_ID: 7003,
	CALL_FREQUENCY: 7008,
	INTERRUPTED: 7009,
	LOGIN_IN_PROCESS: 7501,
	MESSAGE_TOO_LARGE: 8001,
	DISCONNECTED: 9508,
	CONNECT_TIMEOUT: 9510,
	UNANSWERED: 9520,
	ALREADY_RECALLED: 20023,
	PARSE_FAILED: 60003,
	UNKNOWN_REQUEST: 60009,
	TOO_MANY_REQUESTS: 60018,
	USERSIG_EXPIRED: 70001,
	ACCOUNT_DISABLED: 70051,
	USERSIG_REVOKED: 70052,
	INTERNAL: 70500,
	LOGIN_FREQUENCY: 72010,
} as const;

/** What a call of the SDK is refused with. */
export class ChatError extends Error {
	/** The code; docs/codes.md says what each means and what to do. */
	readonly code: number;
	/** In ms: the same call may be granted after it; 0 if the server did not say. */
	readonly retryAfterMs: number;

	constructor(code: number, message: string, retryAfterMs = 0) {
		super(message);
		this.name = "ChatError";
		this.code = code;
		this.retryAfterMs = retryAfterMs;
	}
}

/** What an error says. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

// Another UserSig could make a difference.
const aboutTheUserSig = new Set([70001, 70002, 70003, 70009, 70013, 70014, 70016, 70052]);
export const isAboutUserSig = (code: number): boolean => aboutTheUserSig.has(code);

/** The UserSig is never good again. */
export const saysExpired = (code: number): boolean => code === CODE.USERSIG_EXPIRED || code === CODE.USERSIG_REVOKED;

/** The same request may be granted later. (A login() is ended by most of these: there the app decides.) */
export function forAWhile(code: number, retryAfterMs: number): boolean {
	return code === CODE.INTERNAL || code === CODE.TOO_MANY_REQUESTS || code === CODE.LOGIN_FREQUENCY || retryAfterMs > 0;
}
