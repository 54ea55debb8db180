import { type Content, type View, type WireMessage } from "./wire.ts";
import { type Conversation, type Message } from "./types.ts";
import type { Row } from "./model.ts";
/** A message as the account self sees it. */
export declare function messageOf(self: string, v: View, m: WireMessage): Message;
/** What a message says, for the wire. */
export declare function contentOf(m: Message): Content;
export declare function conversationOf(self: string, row: Row): Conversation;
