package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/plain"
)

// appPolicyCmd is about which sessions of an account may stand beside each other.
type appPolicyCmd struct {
	Show appPolicyShow `cmd:"" help:"Show an app's login policy."`
	Set  appPolicySet  `cmd:"" help:"Set an app's login policy."`

	Preview appPolicyPreview `cmd:"" help:"Say whom a policy would log out if it were applied now."`
	Apply   appPolicyApply   `cmd:"" help:"Put the policy in force for those who are logged in already."`
}

// appPolicyShow shows the policy.
type appPolicyShow struct {
	aboutApp
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appPolicyShow) Help() string {
	return `
Shows the policy with all its groups, also where it goes by a name, and how many sessions an account may have on each platform.

Examples:

    rollcall app policy show
    rollcall app policy show 1400000000
`
}

// Run shows it.
func (c *appPolicyShow) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		set, err := o.Settings(ctx, app)
		if err != nil {
			return err
		}
		return printPolicy(s.out, set, c.JSON)
	})
}

// A newPolicy is a whole policy in a command line.
type newPolicy struct {
	Policy    string   `arg:"" optional:"" help:"single, dual, triple, multi or custom."`
	Group     []string `sep:"none" placeholder:"PLATFORM,..." help:"With custom: platforms that exclude each other; once for each group. A platform in none is a group of its own."`
	Instances []string `sep:"none" placeholder:"PLATFORM=N,..." help:"How many sessions an account may have on a platform. Those not named have one."`
}

// policy reads it. What cannot be is 70402, as the server says it.
func (n newPolicy) policy() (apps.Policy, error) {
	p := apps.Policy{Name: strings.ToLower(n.Policy)}
	for _, text := range n.Group {
		group, err := apps.ParseGroup(strings.SplitSeq(text, ","))
		if err != nil {
			return p, err
		}
		p.Groups = append(p.Groups, group)
	}
	for text := range strings.SplitSeq(strings.Join(n.Instances, ","), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		name, number, _ := strings.Cut(text, "=")
		count, err := strconv.Atoi(number)
		if err != nil {
			return p, imcode.InvalidParameters.Errorf("--instances %q: want it as Web=10", text)
		}
		if err := p.Instances.Set(name, count); err != nil {
			return p, err
		}
	}
	return p, p.Check()
}

// appPolicySet sets the policy.
type appPolicySet struct {
	aboutAppFirst
	newPolicy
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appPolicySet) Help() string {
	return `
Says which sessions of an account may stand beside each other: at most one platform of each group at a time, and on a platform so many sessions.

    single  all platforms are one group
    dual    the Web; all others
    triple  the Web; Windows, Mac and Linux; phones and tablets
    multi   every platform for itself
    custom  the groups that --group names

The line is the whole policy: what it does not name is not kept from the one before, so that the same line always means the same. Without --instances there is one session per platform.

In force for the next login. Nobody is logged out by it: who is online stays until the next login of the account. The bounds of --instances, 10 for the Web and 3 for others, are in the configuration ([policy]).

Examples:

    rollcall app policy set dual
    rollcall app policy set 1400000000 multi --instances Web=10 --instances Android=2
    rollcall app policy set 1400000000 custom --group Android,iPhone --group Windows,Mac,Web
`
}

// Validate refuses what can only be a slip.
func (c *appPolicySet) Validate() error {
	if c.Policy == "" {
		return errors.New("want a policy: single, dual, triple, multi or custom")
	}
	return nil
}

// Run sets it.
func (c *appPolicySet) Run(ctx context.Context, s *streams) error {
	p, err := c.policy()
	if err != nil {
		return slipOf(err)
	}
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		set, err := o.ChangeSettings(ctx, app, apps.ChangeTo(p))
		if err != nil {
			return err
		}
		fmt.Fprintf(s.err, "app %d has this policy from the next login on; who is online stays until the next login of the account\n", app)
		return printPolicy(s.out, set, c.JSON)
	})
}

// printPolicy prints the policy of settings, with all groups.
func printPolicy(w io.Writer, set apps.Settings, asJSON bool) error {
	p := set.Policy
	if asJSON {
		p.Groups = p.Grouping()
		return printJSON(w, p)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range policyLines(p) {
		fmt.Fprintln(t, line)
	}
	return t.Flush()
}

// policyLines are a policy's name, groups and numbers, in two columns.
func policyLines(p apps.Policy) []string {
	lines := []string{"policy\t" + plain.Line(p.Name)}
	var more []string
	label := "groups\t"
	for _, group := range p.Grouping() {
		lines = append(lines, label+names(group))
		label = "\t"
		for _, platform := range group {
			if n := p.Instances[platform]; n > 1 {
				more = append(more, fmt.Sprintf("%s %d", platform, n))
			}
		}
	}
	if more == nil {
		return append(lines, "instances\tone per platform")
	}
	return append(lines, "instances\t"+strings.Join(more, ", ")+", others one")
}

// names lists platforms.
func names(platforms []rollcall.Platform) string {
	all := make([]string, len(platforms))
	for i, p := range platforms {
		all[i] = p.String()
	}
	return strings.Join(all, ", ")
}
