import { conversationOf, messageOf } from "./convert.ts";
import { LOGINED, type Engine } from "./engine.ts";
import { forgetUnsent } from "./unsent.ts";
import type { Box } from "./box.ts";
import type { Message } from "./types.ts";
import { int } from "./wire.ts";
import type { Item, News, Row } from "./model.ts";
import type { Seat } from "./seat.ts";

/** Tells the app what is new, in this order: messages, recalls, receipts, the list, the unread. */
export function tell(e: Engine, s: Seat, n: News): void {
	const b = s.box;
	for (const { row, message } of n.received) if (message.sender === s.user) forgetUnsent(e, s.user, row.peer, message.messageId ?? "");
	b.save();
	const isIn = () => e.named === b && e.status === LOGINED;
	const messages = (all: Item[]): Message[] => all.map((x) => messageOf(s.user, x.row.view, x.message));
	const later = (all: Item[]) => () => (isIn() ? messages(all) : undefined);
	if (n.told.length > 0) {
		e.raise("onMessageReceived", () => {
			if (!isIn()) return undefined; // told after the next login
			const told = n.told.filter(({ row, upTo }) => b.model.rows.get(row.peer) === row && upTo > row.heard);
			const news = n.received.filter((x) => isNews(e, s.user, told.map((t) => t.row), x));
			if (told.length > 0) b.hears(told); // whatever happens meanwhile: it counts as told
			return news.length > 0 ? messages(news) : undefined;
		});
	}
	if (n.recalled.length > 0) e.raise("onMessageRevoked", later(n.recalled));
	if (n.read.length > 0) e.raise("onMessageReadByPeer", later(n.read));
	if (n.changed) tellList(e, b, isIn);
}

/** The app does not know of a message yet, and it was not recalled or deleted since it was queued. */
function isNews(e: Engine, self: string, rows: Row[], { row, message: m }: Item): boolean {
	const n = int(m.sequence);
	const now = row.messages.has(n) ? row.messages.get(n) : m;
	const mine = m.sender === self && e.sent.has(`${row.peer} ${m.messageId}`);
	return rows.includes(row) && n > Math.max(row.heard, int(row.view.deletedSequence)) && now !== undefined && !now.recalled && !mine;
}

/** What the list events bring is as it is when they are heard, not each step on the way. */
function tellList(e: Engine, b: Box, isIn: () => boolean): void {
	if (b.listWaits) return;
	b.listWaits = true;
	e.queue.push(() => { // once the messages of the same step are in the queue
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
	});
}
