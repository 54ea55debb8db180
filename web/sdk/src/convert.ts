import { bytesOf, fromBase64, int, textOf, toBase64, type Content, type View, type WireMessage } from "./wire.ts";
import { TYPES, type Conversation, type CustomPayload, type Message, type TextPayload } from "./types.ts";
import type { Row } from "./model.ts";

/** A message as the account self sees it. */
export function messageOf(self: string, v: View, m: WireMessage): Message {
	const peer = v.peer ?? "";
	const mine = m.sender === self;
	const n = int(m.sequence);
	const common = {
		ID: m.messageId ?? "",
		conversationID: TYPES.CONV_C2C + peer,
		conversationType: TYPES.CONV_C2C,
		from: m.sender ?? "",
		to: mine ? peer : self,
		flow: mine ? "out" : "in",
		time: Math.floor(int(m.timeMs) / 1000),
		sequence: n,
		status: "success",
		isRevoked: m.recalled === true,
		isPeerRead: mine && n <= int(v.peerReadSequence),
		isRead: mine || n <= int(v.readSequence),
		cloudCustomData: m.content?.cloudCustomData ?? "",
	} as const;
	return { ...common, ...bodyOf(m.content) };
}

type Body = { type: "TIMTextElem"; payload: TextPayload } | { type: "TIMCustomElem"; payload: CustomPayload };

function bodyOf(c: Content | undefined): Body {
	const x = c?.custom;
	if (!x) return { type: TYPES.MSG_TEXT, payload: { text: c?.text ?? "" } };
	return { type: TYPES.MSG_CUSTOM, payload: { data: textOf(fromBase64(x.data ?? "")), description: x.description ?? "", extension: x.extension ?? "" } };
}

/** What a message says, for the wire. */
export function contentOf(m: Message): Content {
	const c: Content = m.type === TYPES.MSG_TEXT
		? { text: m.payload.text }
		: { custom: { data: toBase64(bytesOf(m.payload.data)), description: m.payload.description, extension: m.payload.extension } };
	if (m.cloudCustomData) c.cloudCustomData = m.cloudCustomData;
	return c;
}

export function conversationOf(self: string, row: Row): Conversation {
	const v = row.view;
	return {
		conversationID: TYPES.CONV_C2C + row.peer,
		type: TYPES.CONV_C2C,
		userProfile: { userID: row.peer },
		unreadCount: int(v.unread),
		lastMessage: v.lastMessage && messageOf(self, v, v.lastMessage),
		lastSequence: int(v.lastSequence),
		isPinned: v.pinned === true,
		peerReadSequence: int(v.peerReadSequence),
	};
}
