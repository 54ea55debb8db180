import { conversationOf, messageOf } from "./convert.ts";
import { LOGINED, type Engine } from "./engine.ts";
import { forgetUnsent } from "./unsent.ts";
import type { Box } from "./box.ts";
import type { Message } from "./types.ts";
import type { News, Row } from "./model.ts";
import type { Seat } from "./seat.ts";
import type { WireMessage } from "./wire.ts";

/** Tells the app what is new, in this order: messages, recalls, receipts, the list, the unread. */
export function tell(e: Engine, s: Seat, n: News): void {
	const b = s.box;
	for (const { row, message } of n.received) if (message.sender === s.user) forgetUnsent(e, s.user, row.peer, message.messageId ?? "");
	b.save();
	const isIn = () => e.named === b && e.status === LOGINED;
	const messages = (all: { row: Row; message: WireMessage }[]): (() => Message[] | undefined) => () =>
		isIn() ? all.map((x) => messageOf(s.user, x.row.view, x.message)) : undefined;
	const fresh = n.received.filter((x) => !e.sent.has(`${x.row.peer} ${x.message.messageId}`));
	if (fresh.length > 0) e.raise("onMessageReceived", messages(fresh));
	if (n.recalled.length > 0) e.raise("onMessageRevoked", messages(n.recalled));
	if (n.read.length > 0) e.raise("onMessageReadByPeer", messages(n.read));
	if (n.changed) tellList(e, b, isIn);
}

/** What the list events bring is as it is when they are heard, not each step on the way. */
function tellList(e: Engine, b: Box, isIn: () => boolean): void {
	if (b.listWaits) return;
	b.listWaits = true;
	e.raise("onConversationListUpdated", () => {
		b.listWaits = false;
		return isIn() ? b.model.list().map((row) => conversationOf(b.place.user, row)) : undefined;
	});
	e.raise("onTotalUnreadMessageCountUpdated", () => {
		const total = b.model.unread;
		if (!isIn() || total === b.total) return undefined;
		b.total = total;
		return total;
	});
}
