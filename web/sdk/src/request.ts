import { Call, type Request } from "./call.ts";
import { CODE, ChatError } from "./codes.ts";
import { noticed } from "./ended.ts";
import { refusalOf } from "./ask.ts";
import type { Box } from "./box.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";
import type { ClientFrame, ServerFrame } from "./wire.ts";

const WITHIN = 10_000; // the server's time to answer
const MAX_REQUESTS = 32; // that wait for their answers

/** What a request is about, beside its frame. */
export interface Asked<T> {
	frame: ClientFrame;
	take: (f: ServerFrame) => T | undefined;
	box?: Box;
	hear?: (s: Seat, f: ServerFrame) => void;
}

/** Sends a request, or says why it cannot be sent. */
export function request<T>(e: Engine, asked: Asked<T>): Promise<T> {
	const call = new Call<T>();
	const r: Request = { call: call as Call, frame: asked.frame, box: asked.box, hear: asked.hear, take: asked.take, late: undefined };
	const s = e.seat;
	const c = s?.cycle.conn;
	if (e.closed) call.reject(closed());
	else if (!s || s.login || (r.box && r.box !== s.box)) e.refuse(r.call, notLoggedIn());
	else if (s.cycle.phase !== "serving" || !c) e.refuse(r.call, new ChatError(CODE.DISCONNECTED, "there is no connection: nothing was sent"));
	else if (s.requests.size === MAX_REQUESTS) e.refuse(r.call, new ChatError(CODE.CALL_FREQUENCY, `${MAX_REQUESTS} calls wait for the server's answer: wait for one of them`));
	else {
		s.requests.add(r);
		r.late = e.after(WITHIN, () => end(e, s, r, unanswered()));
		c.ask(r.frame, (f) => answered(e, s, r, f));
	}
	return call.promise;
}

export const closed = (): ChatError => new ChatError(CODE.NOT_INITIALIZED, "the client is destroyed");
export const notLoggedIn = (): ChatError => new ChatError(CODE.NOT_LOGGED_IN, "nobody is in: log in first");
const unanswered = (): ChatError => new ChatError(CODE.UNANSWERED, "sent, but not answered: the server may have carried it out");

/**
 * Heard with the answer, or with nothing when the connection ended before it. What that
 * means depends on why it ended: see loseRequests.
 */
function answered(e: Engine, s: Seat, r: Request, f: ServerFrame | undefined): void {
	if (!f) return;
	if (e.seat === s) r.hear?.(s, f); // after a logout the connection may stand a little longer
	if (r.call.answered) return;
	if (f.refusal) {
		end(e, s, r, refusalOf(f.refusal));
	} else if (f.notice) { // the end of the session has overtaken it
		noticed(e, s, f.notice);
	} else {
		const value = r.take(f);
		if (value === undefined) {
			end(e, s, r, new ChatError(CODE.UNANSWERED, "the server gave an answer of another kind"));
			return;
		}
		forget(s, r);
		e.answer(r.call, value);
	}
}

function forget(s: Seat, r: Request): void {
	r.late?.stop();
	s.requests.delete(r);
}

function end(e: Engine, s: Seat, r: Request, error: ChatError): void {
	forget(s, r);
	e.refuse(r.call, error);
}

/** Ends those that get no answer any more because the connection has gone and the account is still in. */
export const loseRequests = (e: Engine, s: Seat): void => endRequests(e, s, unanswered());

/** Ends all that wait, because nobody is in any more or because of the connection. */
export function endRequests(e: Engine, s: Seat, error: ChatError): void {
	for (const r of [...s.requests]) end(e, s, r, error);
}
