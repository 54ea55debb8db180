package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"rollcall.example/internal/apps"
)

var (
	policyLine = regexp.MustCompile(`^policy ([a-z]+)((?: \{[A-Za-z ]*\})*)((?:, .+)?)$`)
	groupIn    = regexp.MustCompile(`\{([A-Za-z ]*)\}`)
)

var errNoPolicy = errors.New("the first line names the policy, as: policy multi, one instance per platform; " +
	"or: policy custom {Android iPhone} {Web}, 3 on Web, 2 on Android")

// readPolicy reads the first line of a file.
func readPolicy(line string) (apps.Policy, error) {
	found := policyLine.FindStringSubmatch(line)
	if found == nil {
		return apps.Policy{}, errNoPolicy
	}
	p := apps.Policy{Name: found[1]}
	for _, text := range groupIn.FindAllStringSubmatch(found[2], -1) {
		group, err := apps.ParseGroup(strings.FieldsSeq(text[1]))
		if err != nil {
			return p, err
		}
		p.Groups = append(p.Groups, group)
	}
	numbers := strings.TrimPrefix(found[3], ", ")
	if numbers != "" && numbers != "one instance per platform" {
		for one := range strings.SplitSeq(numbers, ", ") {
			count, name, on := strings.Cut(one, " on ")
			n, err := strconv.Atoi(count)
			if !on || err != nil {
				return p, fmt.Errorf("%q is no number of instances: write as 3 on Web", one)
			}
			if err := p.Instances.Set(name, n); err != nil {
				return p, err
			}
		}
	}
	return p, p.Check()
}
