package policy

import (
	"reflect"
	"testing"
)

// TestImport: an account that is imported is as one that signed up and went; one
// that is there stays as it is; what is kept of a deleted one stays.
func TestImport(t *testing.T) {
	long := noon.Add(-1000 * day)
	o := ImportAccount(State{}, Import{Now: noon, Created: long, Disabled: true}, Multi())
	if o.Answer != Granted || !o.State.Created.Equal(long) || !o.State.Disabled || len(o.Events) != 0 || len(o.State.Sessions) != 0 {
		t.Errorf("imported: %+v", o)
	}
	if o = ImportAccount(State{}, Import{Now: noon}, Multi()); !o.State.Created.Equal(noon) || o.State.Disabled {
		t.Errorf("imported without a date: %+v", o.State)
	}
	check(t, logIn(t, o.State, login("a1"), Multi()), "granted 1", "a1")
	before := account("a1 w1-")
	if o = ImportAccount(before, Import{Now: noon, Disabled: true}, Multi()); o.Answer != Nothing || !reflect.DeepEqual(o.State, before) {
		t.Errorf("an account that is there became %+v", o.State)
	}
	gone := DeleteAccount(before, Delete{Now: noon}, Multi()).State
	if o = ImportAccount(gone, Import{Now: noon}, Multi()); !o.State.Exists() || o.State.Counter != 2 || len(o.State.Kicks) != 2 {
		t.Errorf("after its deletion: %+v", o.State)
	}
}
