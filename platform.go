package rollcall

import (
	"strings"

	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// Platform is the kind of device a client says it runs on. The numbers cross
// the wire and lie in the store: they never change.
type Platform uint8

// The platforms. Every number that is not listed is PlatformOther: a newer
// client on a platform that this server does not know.
const (
	PlatformOther Platform = iota
	Android
	IPhone
	IPad
	Windows
	Mac
	Linux
	Web
	HarmonyOS
)

// Class groups platforms that policies treat alike.
type Class uint8

// The classes. PlatformOther counts as Mobile.
const (
	Mobile Class = iota + 1
	Desktop
	Browser
)

// A platformRow is all that is known of a platform.
type platformRow struct {
	name      string // as the vendor spells it
	class     Class
	instances int // the most instances per user that a setting admits by default
}

// platforms is the one table of platforms, by number.
var platforms = [...]platformRow{
	PlatformOther: {"Other", Mobile, 1},
	Android:       {"Android", Mobile, 3},
	IPhone:        {"iPhone", Mobile, 3},
	IPad:          {"iPad", Mobile, 3},
	Windows:       {"Windows", Desktop, 3},
	Mac:           {"Mac", Desktop, 3},
	Linux:         {"Linux", Desktop, 3},
	Web:           {"Web", Browser, 10},
	HarmonyOS:     {"HarmonyOS", Mobile, 3},
}

// NumPlatforms is how many there are; they are numbered from 0.
const NumPlatforms = len(platforms)

// PlatformOf maps a number from the wire to its platform; unknown numbers
// together are PlatformOther.
func PlatformOf(number uint32) Platform {
	if number >= uint32(len(platforms)) {
		return PlatformOther
	}
	return Platform(number)
}

// ParsePlatform finds a platform by name, whatever its case. An unknown name is
// imcode.InvalidParameters (70402).
func ParsePlatform(name string) (Platform, error) {
	for p, row := range platforms {
		if strings.EqualFold(row.name, name) {
			return Platform(p), nil
		}
	}
	return 0, imcode.InvalidParameters.Errorf("unknown platform %q: want one of %s", plain.Clip(name), platformNames())
}

// UnmarshalText lets flags and configuration files parse a Platform.
func (p *Platform) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePlatform(string(text))
	return err
}

// MarshalText writes the platform's name.
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

func (p Platform) String() string { return platforms[PlatformOf(uint32(p))].name }

// Class is the class of the platform.
func (p Platform) Class() Class { return platforms[PlatformOf(uint32(p))].class }

// MaxInstances is the highest "Max Login Instances per User per Platform" that
// may be set where the operator did not raise the bound.
func (p Platform) MaxInstances() int { return platforms[PlatformOf(uint32(p))].instances }

func platformNames() string {
	names := make([]string, NumPlatforms)
	for p, row := range platforms {
		names[p] = row.name
	}
	return strings.Join(names, ", ")
}
