package store

// MaxDamages is how many damages a Report lists. All of them are counted.
const MaxDamages = 100

// A Report is what a check has found that has read all that a store holds.
type Report struct {
	Schema  int64   `json:"schema"`        // the version of the store's layout
	Old     bool    `json:"old,omitempty"` // that is an older one: only the structure was looked at
	Bytes   int64   `json:"bytes"`         // of the store
	Tables  []Table `json:"tables"`
	Count   int     `json:"damage_count"`
	Damages []Found `json:"damages"` // the first MaxDamages
}

// A Table is how many rows one has.
type Table struct {
	Name     string `json:"name"`
	Rows     int64  `json:"rows"`
	Unsummed int64  `json:"unsummed,omitempty"` // rows of an older program that have no sum yet: a bit that flips in them is not seen
}

// A Found is a damage: where it is, without anything of what is stored there.
type Found struct {
	Where string `json:"where"`
	What  string `json:"what"`
}

// Sound tells whether nothing is damaged.
func (r Report) Sound() bool { return r.Count == 0 }

// Find adds a damage.
func (r *Report) Find(where, what string) {
	if r.Count++; len(r.Damages) < MaxDamages {
		r.Damages = append(r.Damages, Found{where, what})
	}
}

// A Progress says how far a check is, or a copy.
type Progress struct {
	Part string `json:"part"`            // what is being read
	Done int64  `json:"done"`            // rows or bytes of it
	All  int64  `json:"total,omitempty"` // how many there are, if that is known
}
