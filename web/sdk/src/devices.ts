import { int, line, type ServerFrame, type SessionInfo } from "./wire.ts";
import { platformOf } from "./kick.ts";
import { request } from "./request.ts";
import type { Engine } from "./engine.ts";
import type { LoginSession } from "./types.ts";

/** Lists where the account is logged in. */
export function sessions(e: Engine): Promise<LoginSession[]> {
	return request(e, {
		frame: { listSessions: {} },
		take: (f: ServerFrame) => f.sessions && (f.sessions.sessions ?? []).map(sessionOf),
	});
}

function sessionOf(x: SessionInfo): LoginSession {
	return {
		session: int(x.session),
		deviceID: line(x.deviceId),
		deviceName: line(x.deviceName),
		platform: platformOf(x.platform),
		loginTime: Math.floor(int(x.loginMs) / 1000),
		awaySince: Math.floor(int(x.awaySinceMs) / 1000),
		address: line(x.address),
		isCurrent: x.current === true,
	};
}

export interface SignedOut {
	/** How many sessions were ended. */
	count: number;
	/** With userSigs: UserSigs made before it are dead, in seconds since 1970 UTC; else 0. */
	validFrom: number;
}

/** Ends a session by its number; 0: all but this one. */
export function signOut(e: Engine, session: number, userSigs: boolean): Promise<SignedOut> {
	return request(e, {
		frame: { signOut: { session: String(session), userSigs } },
		take: (f: ServerFrame) => f.signOut && { count: int(f.signOut.count), validFrom: int(f.signOut.validFromS) },
	});
}
