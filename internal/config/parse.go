package config

import (
	"encoding"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// An Error is one mistake in a file.
type Error struct {
	File string
	Line int // from 1
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// parse reads the text of a file into c. The error joins an *Error for each
// mistake.
func parse(c *Config, file, text string) error {
	if i := invalidUTF8(text); i >= 0 {
		return &Error{File: file, Line: 1 + strings.Count(text[:i], "\n"), Text: "this is not UTF-8 text"}
	}
	d := document{file: file, values: make(map[string]toml.Primitive)}
	var top map[string]toml.Primitive
	meta, err := toml.Decode(text, &top)
	if err != nil { // it is no TOML
		d.mistake(err)
		return errors.Join(d.mistakes...)
	}
	d.meta = meta
	sections := d.index(c, top)
	known := maps.Collect(c.fields())
	for _, k := range meta.Keys() {
		key := k.String()
		value, here := d.values[key]
		target, ok := known[key]
		switch {
		case !here || sections[key]: // told of already, or a section
		case ok:
			d.decode(key, value, target)
		default:
			d.refuse(key, "unknown key; "+c.offer(key))
		}
	}
	if len(d.mistakes) == 0 {
		for _, f := range c.faults() {
			d.refuse(d.first(f.keys), f.text)
		}
	}
	return errors.Join(d.mistakes...)
}

// invalidUTF8 is where text stops being UTF-8, or -1.
func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// A document is a file that is being read.
type document struct {
	file     string
	meta     toml.MetaData
	values   map[string]toml.Primitive // by dotted key
	mistakes []error
}

// index fills in values from the document's tables, and tells which are sections.
func (d *document) index(c *Config, top map[string]toml.Primitive) map[string]bool {
	sections := make(map[string]bool)
	for key := range c.fields() {
		if section, _, nested := strings.Cut(key, "."); nested {
			sections[section] = true
		}
	}
	for name, value := range top {
		d.values[name] = value
		if !sections[name] {
			continue
		}
		var inside map[string]toml.Primitive
		if err := d.meta.PrimitiveDecode(value, &inside); err != nil || !d.table(name) {
			d.refuse(name, "want a section, as ["+name+"]")
			continue
		}
		for key, value := range inside {
			d.values[toml.Key{name, key}.String()] = value
		}
	}
	return sections
}

// table tells whether a key is a table; dotted keys make one without a type.
func (d *document) table(name string) bool {
	kind := d.meta.Type(name)
	return kind == "Hash" || kind == ""
}

// decode reads one value into the setting it is for.
func (d *document) decode(key string, value toml.Primitive, target any) {
	err := d.meta.PrimitiveDecode(value, target)
	if _, told := errors.AsType[toml.ParseError](err); err == nil || told {
		d.mistake(err)
		return
	}
	want := "want a string, in quotes"
	switch reflect.TypeOf(target).Elem().Kind() {
	case reflect.Slice:
		want = "want a list of strings, in brackets"
	case reflect.Bool:
		want = "want true or false"
	default:
	}
	d.refuse(key, want)
}

// first is the first of the keys, separated by spaces, that stands in the
// document. One does: what no document sets is right.
func (d *document) first(keys string) string {
	for key := range strings.FieldsSeq(keys) {
		if _, ok := d.values[key]; ok {
			return key
		}
	}
	return keys
}

// refuse adds a mistake at a key that stands in the document.
func (d *document) refuse(key, text string) {
	d.mistake(d.meta.PrimitiveDecode(d.values[key], new(refusal(text))))
}

// A refusal refuses whatever is decoded into it: the decoder knows the line.
type refusal string

// UnmarshalTOML returns the refusal.
func (r *refusal) UnmarshalTOML(any) error { return errors.New(string(*r)) }

// mistake adds what the decoder found wrong, if anything.
func (d *document) mistake(err error) {
	p, ok := errors.AsType[toml.ParseError](err)
	switch {
	case err == nil:
	case !ok:
		d.mistakes = append(d.mistakes, fmt.Errorf("%s: %w", d.file, err))
	case p.LastKey == "":
		d.mistakes = append(d.mistakes, &Error{d.file, p.Position.Line, p.Message})
	default:
		d.mistakes = append(d.mistakes, &Error{d.file, p.Position.Line, p.LastKey + ": " + p.Message})
	}
}

// fields yields every setting's dotted key and a pointer to it.
func (c *Config) fields() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		walk(reflect.ValueOf(c).Elem(), "", yield)
	}
}

func walk(v reflect.Value, prefix string, yield func(string, any) bool) bool {
	for field, value := range v.Fields() {
		key := prefix + field.Tag.Get("toml")
		if value.Kind() == reflect.Struct {
			if !walk(value, key+".", yield) {
				return false
			}
		} else if !yield(key, value.Addr().Interface()) {
			return false
		}
	}
	return true
}

// offer says what might have been meant by an unknown key.
func (c *Config) offer(key string) string { return "there is " + strings.Join(c.near(key), ", ") }

// near lists what stands beside a key.
func (c *Config) near(key string) []string {
	section, _, nested := strings.Cut(key, ".")
	var all []string
	for known := range c.fields() {
		in, name, inside := strings.Cut(known, ".")
		switch {
		case nested && inside && in == section:
			all = append(all, name)
		case !nested && !inside:
			all = append(all, known)
		case !nested && (len(all) == 0 || all[len(all)-1] != "["+in+"]"):
			all = append(all, "["+in+"]")
		}
	}
	return all
}

// others are the variables of this name that are no configuration: secrets and what
// the commands read.
var others = []string{
	"ROLLCALL_KEY", "ROLLCALL_NEW_KEY", "ROLLCALL_USERSIG", "ROLLCALL_SERVER", "ROLLCALL_MASTER_KEY",
	"ROLLCALL_ADMIN", "ROLLCALL_ADMIN_TOKEN", "ROLLCALL_OPERATOR",
}

// elsewhere tells whether a variable is none of ours to judge: of tests, or of a
// cluster that tells every container where a service called rollcall is.
func elsewhere(name string) bool {
	return strings.HasPrefix(name, "ROLLCALL_TEST_") || strings.HasPrefix(name, "ROLLCALL_SERVICE_") ||
		name == "ROLLCALL_PORT" || strings.HasPrefix(name, "ROLLCALL_PORT_")
}

// environ sets what the environment sets. A variable that is called like ours and is
// none is a mistake, as an unknown key is in a file.
func (c *Config) environ(environment []string) error {
	given := ours(environment)
	var wrong []error
	for key, target := range c.fields() {
		name := variable(key)
		if text, ok := given[name]; ok {
			delete(given, name)
			if err := set(target, text); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return errors.Join(errors.Join(wrong...), c.unknown(given))
}

// ours are the variables of an environment that are called like ours.
func ours(environment []string) map[string]string {
	given := map[string]string{}
	for _, line := range environment {
		if name, text, _ := strings.Cut(line, "="); strings.HasPrefix(name, variable("")) {
			given[name] = text
		}
	}
	return given
}

// Variables lists those of an environment that a configuration has, by name, and in which
// there is something.
func Variables(environment []string) (names []string) {
	given := ours(environment)
	for key := range new(Config).fields() {
		if name := variable(key); given[name] != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Unknown is an error if variables of an environment are called like ours and are none,
// which names them all: somebody believes that they say something.
func Unknown(environment []string) error {
	given, c := ours(environment), new(Config)
	for key := range c.fields() {
		delete(given, variable(key))
	}
	return c.unknown(given)
}

// unknown is Unknown of the variables that belong to no key.
func (c *Config) unknown(given map[string]string) error {
	sections := map[string]string{}
	for key := range c.fields() {
		if section, _, inside := strings.Cut(key, "."); inside {
			sections[variable(section)+"_"] = key
		}
	}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if slices.Contains(others, name) || elsewhere(name) {
			continue
		}
		wrong = append(wrong, fmt.Errorf("%s: unknown variable; %s", name, c.offerVariables(name, sections)))
	}
	return errors.Join(wrong...)
}

// offerVariables says what might have been meant by an unknown variable; sections has
// a key of each section, by how its variables begin.
func (c *Config) offerVariables(name string, sections map[string]string) string {
	for section, key := range sections {
		if strings.HasPrefix(name, section) {
			return "behind " + section + " there is " + strings.ToUpper(strings.Join(c.near(key), ", "))
		}
	}
	begin := slices.Sorted(maps.Keys(sections))
	return "there is " + variable("dir") + ", what begins with " + strings.Join(begin, ", ") + ", and " + strings.Join(others, ", ")
}

// variable names the environment variable of a key or section.
func variable(key string) string {
	return "ROLLCALL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// set reads a setting from the text of an environment variable; a list's members
// are separated by commas.
func set(target any, text string) error {
	switch t := target.(type) {
	case encoding.TextUnmarshaler:
		return t.UnmarshalText([]byte(text))
	case *string:
		*t = text
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q: want true or false", text)
		}
		*t = text == "true"
	case *[]Origin:
		return setList(t, text)
	case *[]Network:
		return setList(t, text)
	default:
		return fmt.Errorf("cannot be set by the environment")
	}
	return nil
}

func setList[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](target *[]T, text string,
) error {
	all := []T{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		var v T
		if err := P(&v).UnmarshalText([]byte(item)); err != nil {
			return err
		}
		all = append(all, v)
	}
	*target = all
	return nil
}
