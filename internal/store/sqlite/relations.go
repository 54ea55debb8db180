package sqlite

import (
	"context"
	"fmt"
	"strings"
)

// A relation holds between rows. Query finds where it does not; its columns, which are
// numbers, say where and what.
type relation struct{ where, what, query string }

// relations are what holds between rows that have good sums: what is missing has none.
var relations = []relation{
	{
		"of account %d session %d", "there is no such account",
		`SELECT s.account, s.number FROM session s LEFT JOIN account a ON a.id = s.account WHERE a.id IS NULL`,
	},
	{
		"of account %d session %d", "the account has not given that number yet: it is at %d",
		`SELECT s.account, s.number, a.counter FROM session s JOIN account a ON a.id = s.account WHERE s.number > a.counter`,
	},
	{
		"of account %d the kick of session %d", "there is no such account",
		`SELECT k.account, k.session FROM kick k LEFT JOIN account a ON a.id = k.account WHERE a.id IS NULL`,
	},
	{
		"of account %d %d try numbers", "there is no such account",
		`SELECT t.account, count(*) FROM try t LEFT JOIN account a ON a.id = t.account WHERE a.id IS NULL GROUP BY t.account`,
	},
	{
		"of account %d %d rows of history", "there is no such account",
		`SELECT h.account, h.n FROM (SELECT account, count(*) AS n FROM history GROUP BY account) h LEFT JOIN account a ON a.id = h.account WHERE a.id IS NULL`,
	},
	{
		"talker %d", "there is no such account",
		`SELECT t.account FROM talker t LEFT JOIN account a ON a.id = t.account WHERE a.id IS NULL`,
	},
	{
		"conversation %d", "one of its accounts, %d and %d, is not there",
		`SELECT c.id, c.low, c.high FROM conversation c LEFT JOIN account a ON a.id = c.low LEFT JOIN account b ON b.id = c.high
			WHERE a.id IS NULL OR b.id IS NULL`,
	},
	{
		"conversation %d", "its %d messages, from %d to %d, are not all from the first that is kept to its last, %d",
		`SELECT c.id, count(*), min(m.sequence), max(m.sequence), c.last FROM conversation c JOIN message m ON m.conversation = c.id
			GROUP BY c.id HAVING count(*) <> max(m.sequence) - min(m.sequence) + 1 OR max(m.sequence) <> c.last`,
	},
	{
		"of account %d alteration %d", "there is no such conversation of that account: %d",
		`SELECT t.account, t.change, t.conversation FROM alteration t LEFT JOIN conversation c ON c.id = t.conversation AND t.account IN (c.low, c.high)
			WHERE c.id IS NULL`,
	},
	{
		"of half %d deletion %d", "message %d, which is in it, is not deleted",
		`SELECT d.half, d.first, m.sequence FROM deletion d JOIN message m ON m.conversation = d.half >> 1 AND m.sequence BETWEEN d.first AND d.last
			WHERE m.flags & (2 << (d.half & 1)) = 0`,
	},
	{
		"of half %d deletion %d", "it is not of messages of a conversation that there is",
		`SELECT d.half, d.first FROM deletion d LEFT JOIN conversation c ON c.id = d.half >> 1
			WHERE c.id IS NULL OR d.first < 1 OR d.first > d.last OR d.last > c.last`,
	},
	{
		"conversation %d", "it is not there, but %d of its messages are",
		`SELECT m.conversation, m.n FROM (SELECT conversation, count(*) AS n FROM message GROUP BY conversation) m
			LEFT JOIN conversation c ON c.id = m.conversation WHERE c.id IS NULL`,
	},
	{
		"talker %d", "its conversations end with change %d, want %d",
		`SELECT account, max(changed), max(changes) FROM (
			SELECT low AS account, max(low_changed) AS changed, 0 AS changes FROM conversation GROUP BY low
			UNION ALL SELECT high, max(high_changed), 0 FROM conversation GROUP BY high
			UNION ALL SELECT account, 0, changes FROM talker)
			GROUP BY account HAVING max(changed) <> max(changes)`,
	},
	{
		"talker %d", "it has %d conversations, of which the changes come to %d, want %d and %d",
		`SELECT t.account, coalesce(c.talks, 0), coalesce(c.changed, 0), t.talks, t.changed FROM talker t LEFT JOIN (
			SELECT account, count(*) AS talks, sum(changed) AS changed FROM (
				SELECT low AS account, low_changed AS changed FROM conversation UNION ALL SELECT high, high_changed FROM conversation)
			GROUP BY account) c ON c.account = t.account
			WHERE t.talks <> -1 AND (t.talks, t.changed) <> (coalesce(c.talks, 0), coalesce(c.changed, 0))`,
	},
}

// say says where it does not hold, and what is the matter.
func (x relation) say(numbers []any) (where, what string) {
	n := strings.Count(x.where, "%d")
	return fmt.Sprintf(x.where, numbers[:n]...), fmt.Sprintf(x.what, numbers[n:]...)
}

// relation looks where one does not hold.
func (q *inquiry) relation(ctx context.Context, x relation) error {
	rows, err := q.conn.QueryContext(ctx, x.query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		numbers, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range numbers {
			into[i] = &numbers[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		q.Find(x.say(numbers))
	}
	return rows.Err()
}
