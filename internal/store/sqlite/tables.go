package sqlite

import (
	"database/sql"
	"fmt"
	"math"
	"strings"

	"rollcall.example"
)

// A record is a row as it is read to look at its sum.
type record struct {
	first, second int64 // of its key
	text          string
	stored, made  int64 // its sum, and the one that its content has
}

// A summed is a table whose rows have sums, and how to read it along its key.
type summed struct {
	table   tables
	name    string
	key     string // its columns: up to two numbers, then a text
	numbers int    // how many numbers those are
	texts   bool   // whether there is a text
	from    string // all that scan reads, and where it is
	scan    func(x *record, r row) error
	said    string // what a row is called, by the numbers of its key and no more: what else it holds may be anything
}

// summedTables are all of them, the small ones first.
var summedTables = []summed{
	{appTable, "app", "id", 1, false, appColumns + ` FROM app`, recordApp, "app %d"},
	{keyTable, "app_key", "app, id", 1, true, keyColumns + ` FROM app_key`, recordKey, "a key of app %d"},
	{settingTable, "setting", "name", 0, true, settingColumns + ` FROM setting`, recordSetting, "a setting of the server"},
	{usageTable, "usage", "app, period", 2, false, `app, period, ` + usageColumns + ` FROM usage`, recordUsage, "usage of app %d in %d"},
	{accountTable, "account", "id", 1, false, accountColumns + `, app, user FROM account a`, recordAccount, "account %d"},
	{sessionTable, "session", "account, number", 2, false, `account, ` + sessionColumns + ` FROM session`, recordSession, "of account %d session %d"},
	{kickTable, "kick", "account, session", 2, false, `account, ` + kickColumns + ` FROM kick`, recordKick, "of account %d the kick of session %d"},
	{tryTable, "try", "account, device", 1, true, `account, ` + tryColumns + ` FROM try`, recordTry, "a try number of account %d"},
	{historyTable, "history", "id", 1, false, `account, ` + eventColumns + ` FROM history`, recordEvent, "row %d of the history"},
	{talkerTable, "talker", "account", 1, false, `account, changes, talks, changed, sum FROM talker`, recordTalker, "talker %d"},
	{conversationTable, "conversation", "id", 1, false, `id, low, high, ` + talkColumns + `, sum FROM conversation`, recordTalk, "conversation %d"},
	{alterationTable, "alteration", "account, change", 2, false, alterationColumns + ` FROM alteration`, recordAlteration, "of account %d alteration %d"},
	{deletionTable, "deletion", "half, first", 2, false, deletionColumns + ` FROM deletion`, recordDeletion, "of half %d deletion %d"},
	{messageTable, "message", "id", 1, false, `id, ` + messageColumns + ` FROM message`, recordMessage, "message with id %d"},
}

// smallTables have few rows, whatever the server.
const smallTables = appTable | keyTable | settingTable | usageTable

// along is a statement that reads rows along the key, after one, at most so many.
func (t *summed) along() string {
	return fmt.Sprintf(`SELECT %s WHERE (%s) > (%s) ORDER BY %s LIMIT ?`, t.from, t.key, t.places(), t.key)
}

// places are those of the key in a statement.
func (t *summed) places() string {
	return strings.TrimSuffix(strings.Repeat("?, ", strings.Count(t.key, ",")+1), ", ")
}

// at is the key of a record, as arguments.
func (t *summed) at(x *record) []any {
	all := []any{x.first, x.second}[:t.numbers]
	if t.texts {
		all = append(all, x.text)
	}
	return all
}

// beginning is before all rows.
func (t *summed) beginning() []any {
	return t.at(&record{first: math.MinInt64, second: math.MinInt64})
}

// call says which row a record is.
func (t *summed) call(x *record) string {
	return fmt.Sprintf(t.said, []any{x.first, x.second}[:t.numbers]...)
}

func recordApp(x *record, r row) error {
	var a appRow
	err := a.scan(r)
	x.first, x.stored, x.made = a.id, a.stored, sumOfApp(&a.App)
	return err
}

func recordKey(x *record, r row) error {
	var k keyRow
	err := k.scan(r)
	x.first, x.text, x.stored, x.made = k.owner, k.ID, k.stored, sumOfKey(k.app, &k.Key)
	return err
}

const settingColumns = `name, value, ifnull(sum, -1)`

func recordSetting(x *record, r row) error {
	_, err := x.setting(r)
	return err
}

// setting reads a setting, whose value is SQLite's own memory, until the next row.
func (x *record) setting(r row) (value []byte, err error) {
	err = r.Scan(&x.text, (*sql.RawBytes)(&value), &x.stored)
	x.made = sumOfSetting(x.text, value)
	return value, err
}

func recordUsage(x *record, r row) error {
	var n counts
	err := n.scan(r, &x.stored, &x.first, &x.second)
	x.made = sumOfUsage(period{rollcall.AppID(x.first), int(x.second)}, n)
	return err
}

func recordAccount(x *record, r row) error {
	var a accountRow
	var app int64
	var user string
	err := a.scan(r, &app, &user)
	x.first, x.stored, x.made = a.id, a.stored, a.sum(a.id, app, user)
	return err
}

func recordSession(x *record, r row) error {
	var s sessionRow
	err := s.scan(r, &x.first)
	x.second, x.stored, x.made = int64(s.Number), s.stored, sumOfSession(x.first, &s.Session, s.due)
	return err
}

func recordKick(x *record, r row) error {
	var k kickRow
	err := k.scan(r, &x.first)
	x.second, x.stored, x.made = int64(k.Session), k.stored, sumOfKick(x.first, &k.Kick)
	return err
}

func recordTry(x *record, r row) error {
	var t tryRow
	err := t.scan(r, &x.first)
	x.text, x.stored, x.made = string(t.Device), t.stored, sumOfTry(x.first, &t.Try)
	return err
}

func recordEvent(x *record, r row) error {
	var e eventRow
	var account int64
	err := e.scan(r, &account)
	x.first, x.stored, x.made = e.ID, e.stored, sumOfEvent(account, e.app, &e.HistoryRow)
	return err
}

func recordTalker(x *record, r row) error {
	var t talker
	var changes int64
	err := r.Scan(&x.first, &changes, &t.talks, &t.changed, &x.stored)
	t.row, t.changes = x.first, uint64(changes)
	x.made = t.sum()
	return err
}

func recordTalk(x *record, r row) (err error) {
	var t talkRow
	x.stored, err = t.scan(r)
	x.first, x.made = t.id, t.sum()
	return err
}

func recordMessage(x *record, r row) (err error) {
	var m messageRow
	x.stored, err = m.scan(r, &x.first)
	x.made = m.sum()
	return err
}
