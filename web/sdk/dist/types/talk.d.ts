import { ChatError } from "./codes.ts";
import { type Message } from "./types.ts";
import type { Box } from "./box.ts";
import type { Engine } from "./engine.ts";
export declare const noConversation: () => ChatError;
/** The other side of a conversation, by its id. */
export declare function peerOf(conversationID: unknown): string;
export declare function checked(userID: unknown): string;
/** The account whose conversations can be read. */
export declare function named(e: Engine): Box;
export declare function newMessage(e: Engine, name: unknown, body: Pick<Message, "type" | "payload">, cloudCustomData?: string): Message;
/** Sends a message; the one given tells what became of it, too. */
export declare function send(e: Engine, m: Message): Promise<Message>;
/** Asks for a change of a conversation. */
export declare function act(e: Engine, frame: object): Promise<void>;
export declare function recall(e: Engine, m: Message): Promise<Message>;
export declare function removeMessages(e: Engine, list: Message[]): Promise<void>;
export declare function markRead(e: Engine, conversationID: string): Promise<void>;
export interface Page {
    messages: Message[];
    /** Ask with it for those before; "" : there are none. */
    next: string;
    gaps: [number, number][];
}
/** A page of a conversation: from the server, merged with what is here, while somebody is in and connected, unless what is here is enough. */
export declare function history(e: Engine, conversationID: string, next: string, count: number, local: boolean): Promise<Page>;
