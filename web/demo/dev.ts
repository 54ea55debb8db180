// The acts that `rollcall dev` carries out for this page: docs/demo.md.

export interface Settings {
	policy: string;
	/** Those of policy custom. */
	groups: string[][] | null;
	instances: Record<string, number>;
	tell_kicked_on_reconnect: boolean;
	tell_kicked_on_login: boolean;
}

export interface Phone {
	status: "LOGINED" | "LOGINING" | "LOGOUT";
	cut: boolean;
	/** Its app was killed: it is away until it is started again. */
	killed: boolean;
	heard: { number: number; atMs: number; what: string; text?: string }[];
}

/** A session, as the server has it. */
export interface Standing {
	session: number;
	deviceId: string;
	platform: string;
	deviceName: string;
	connected: boolean;
}

export interface State {
	app: number;
	settings: Settings;
	keys: string[];
	nowMs: number;
	sessions: Standing[];
	phone: Phone | null;
}

interface Acts {
	usersig: [{ user: string; seconds?: number }, { app: number; userSig: string; ends: number }];
	state: [{ user?: string }, State];
	kick: [{ user: string; session?: number }, { sessions: number }];
	revoke: [{ user: string }, { sessions: number }];
	policy: [Partial<Settings>, Settings];
	apply: [object, { sessions: number }];
	key: [object, { keys: string[] }];
	phone: [{ user: string; do: "login" | "cut" | "mend" | "kill" | "logout" }, Phone];
	restart: [object, object];
}

/** A refused act: its code, and why in a sentence. */
export class Refused extends Error {
	readonly code: number;
	constructor(code: number, detail: string) {
		super(detail || `code ${code}`);
		this.code = code;
	}
}

/** Has the server do something. */
export async function act<A extends keyof Acts>(name: A, request: Acts[A][0]): Promise<Acts[A][1]> {
	let answer: Response;
	try {
		answer = await fetch(`/dev/${name}`, {
			method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(request), signal: AbortSignal.timeout(20_000),
			keepalive: true, // also when the page is left meanwhile
		});
	} catch {
		throw new Refused(0, "The server does not answer. Is `rollcall dev` still running?");
	}
	const body = (await answer.json().catch(() => ({}))) as Acts[A][1] & { code?: number; detail?: string };
	if (!answer.ok) throw new Refused(body.code ?? 0, body.detail ?? `The server answered with HTTP ${answer.status}.`);
	return body;
}
