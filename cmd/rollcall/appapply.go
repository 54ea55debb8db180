package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/plain"
)

// A wouldBePolicy is a newPolicy that may be left out: the one in force.
type wouldBePolicy struct {
	Policy    string   `arg:"" optional:"" help:"single, dual, triple, multi or custom; without one, the policy that the app has."`
	Group     []string `sep:"none" placeholder:"PLATFORM,..." help:"With custom: platforms that exclude each other; once for each group."`
	Instances []string `sep:"none" placeholder:"PLATFORM=N,..." help:"How many sessions an account may have on a platform. Those not named have one."`
}

// change is the change to it, for a preview.
func (w wouldBePolicy) change() (apps.Change, error) {
	if w.Policy == "" {
		if len(w.Group)+len(w.Instances) > 0 {
			return nil, imcode.InvalidParameters.Errorf("--group and --instances go with a policy: single, dual, triple, multi or custom")
		}
		return apps.Change{}, nil
	}
	p, err := newPolicy(w).policy()
	return apps.ChangeTo(p), err
}

// appPolicyPreview says whom a policy would log out.
type appPolicyPreview struct {
	aboutAppFirst
	wouldBePolicy
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appPolicyPreview) Help() string {
	return `
Says how many accounts and sessions would go if a policy were applied now to those who are logged in, with examples. The policy is written as for ` + "`rollcall app policy set`" + `; without one it is the policy that the app has. Nothing changes, and logins go on meanwhile, however many accounts there are.

Examples:

    rollcall app policy preview
    rollcall app policy preview 1400000000 single
    rollcall app policy preview 1400000000 multi --instances Web=2
`
}

// Run says it.
func (c *appPolicyPreview) Run(ctx context.Context, s *streams) error {
	change, err := c.change()
	if err != nil {
		return slipOf(err)
	}
	about := aboutOne(func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		sum, err := o.Preview(ctx, app, change, progress(s.err))
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, sum)
		}
		printApplied(s.out, sum)
		return nil
	})
	return c.reach(ctx, s, about.of(rollcall.AppID(c.App)))
}

// appPolicyApply puts the policy in force at once.
type appPolicyApply struct {
	aboutApp
	acting
	Yes  bool `help:"Do it; without this it is only said what would be done."`
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appPolicyApply) Help() string {
	return `
A policy that was set is in force for each login from then on; who is logged in already stays until the account's next one. This ends at once what the policy leaves no room for, in each group as if its newest connected session logged in just now. Without --yes it says what would be done, as ` + "`rollcall app policy preview`" + `. Repeating it does no harm.

Examples:

    rollcall app policy apply
    rollcall app policy apply 1400000000 --yes --as Olga
`
}

// Run does it, if it is wanted.
func (c *appPolicyApply) Run(ctx context.Context, s *streams) error {
	about := aboutOne(func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		sum, err := o.Preview(ctx, app, apps.Change{}, progress(s.err))
		if err != nil {
			return err
		}
		if !c.JSON {
			printApplied(s.out, sum)
		} else if !c.Yes {
			if err := printJSON(s.out, sum); err != nil {
				return err
			}
		}
		if !c.Yes {
			if sum.Sessions == 0 {
				return nil
			}
			return errors.New("nothing has changed: to apply the policy, say --yes")
		}
		if sum, err = o.Apply(ctx, app, string(c.As), progress(s.err)); err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, sum)
		}
		fmt.Fprintf(s.out, "%s of %s ended\n", plain.Count(sum.Sessions, "session"), plain.Count(sum.Touched, "account"))
		return nil
	})
	return c.reach(ctx, s, about.of(c.App))
}

// progress says how far a long run is.
func progress(w io.Writer) func(admin.Applied) {
	return func(sum admin.Applied) {
		fmt.Fprintf(w, "%s so far, %s to go\n", plain.Count(sum.Accounts, "account"), plain.Count(sum.Sessions, "session"))
	}
}

// printApplied says what would go.
func printApplied(w io.Writer, sum admin.Applied) {
	in := "are"
	if sum.Accounts == 1 {
		in = "is"
	}
	fmt.Fprintf(w, "%s %s logged in. ", plain.Count(sum.Accounts, "account"), in)
	if sum.Sessions == 0 {
		fmt.Fprintln(w, "The policy leaves room for all of them.")
		return
	}
	fmt.Fprintf(w, "Applied now, the policy would end %s of %s:\n", plain.Count(sum.Sessions, "session"), plain.Count(sum.Touched, "account"))
	for _, e := range sum.Examples {
		link := "away"
		if e.Connected {
			link = "connected"
		}
		line := fmt.Sprintf("- %s would be signed out on %s (%s), now %s; %s.", e.User, called(e.DeviceName, e.Device), e.Platform, link, e.Text)
		tell(w, plain.Line(line)+"\n")
	}
	if more := sum.Sessions - len(sum.Examples); more > 0 {
		fmt.Fprintf(w, "and %s more\n", plain.Count(more, "session"))
	}
}
