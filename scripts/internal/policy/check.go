package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is what is wrong.
type Kind string

// The kinds of findings.
const (
	Missing Kind = "missing" // a call that the role doesn't allow
	Spare   Kind = "spare"   // a right, or a condition's value, that no call needs
	Wide    Kind = "wide"    // a right for more than it has to be for
	Strange Kind = "strange" // something that can't be judged
)

// Finding is something wrong with a role.
type Finding struct {
	Of   string // whose role it is
	Kind Kind
	What string
}

// String is a line for people.
func (f Finding) String() string { return fmt.Sprintf("%-8s %s: %s", f.Kind, f.Of, f.What) }

// Widths finds rights that are wider than they have to be.
func Widths(roles []Role) []Finding {
	var found []Finding
	for _, role := range roles {
		for _, name := range role.Managed {
			found = append(found, Finding{role.Of, Wide, "the policy " + name + " is AWS's own"})
		}
		for _, s := range role.Statements {
			for _, r := range s.rights() {
				if why := r.tooWide(); why != "" {
					found = append(found, Finding{role.Of, Wide, r.String() + ": " + why})
				}
			}
		}
	}
	return found
}

// String is the right as findings tell it.
func (r Right) String() string {
	return cmp.Or(r.Sid, "a statement") + " allows " + r.Action + " on " + r.Resource
}

// Compare finds what is missing and what is spare, given all that was seen.
func Compare(roles []Role, record Record) []Finding {
	calls, found := record.calls(roles)
	for _, role := range roles {
		if len(role.Apps) > 0 {
			found = append(found, role.compare(calls[role.Of])...)
		}
	}
	return found
}

// call is a need in the templates' words.
type call struct {
	action, resource string
	context          map[string][]string
}

func (c call) String() string {
	text := c.action + " on " + c.resource
	for _, key := range slices.Sorted(maps.Keys(c.context)) {
		text += fmt.Sprintf(" (%s %s)", key, strings.Join(c.context[key], " "))
	}
	return text
}

// polls is what Lambda does in the name of a function whose queue it empties.
func (r Role) polls() []call {
	if r.Polled == "" {
		return nil
	}
	return []call{{action: "sqs:ReceiveMessage", resource: r.Polled}, {action: "sqs:DeleteMessage", resource: r.Polled}, {action: "sqs:GetQueueAttributes", resource: r.Polled}}
}

// place says where in a role something stands.
type place struct {
	statement, condition int
	what                 string // a right, or a value of that condition
}

func (r Role) compare(calls []call) []Finding {
	var found []Finding
	for _, s := range r.Statements {
		for _, c := range s.Conditions {
			if !c.known() {
				found = append(found, Finding{r.Of, Strange, fmt.Sprintf("%s has the condition %s, which can't be judged", s.Sid, c.Operator)})
			}
		}
	}
	needed, used := map[place]bool{}, map[place]bool{}
	missing := map[string]bool{}
	for _, c := range append(calls, r.polls()...) {
		if !r.mark(c, needed, used) {
			missing[c.String()] = true
		}
	}
	for _, text := range slices.Sorted(maps.Keys(missing)) {
		found = append(found, Finding{r.Of, Missing, text})
	}
	return append(found, r.spare(needed, used)...)
}

// mark notes by which rights, and by which values of their conditions, a call is
// allowed, and which of them it can't do without. It reports whether it is allowed.
func (r Role) mark(c call, needed, used map[place]bool) bool {
	var by []place
	for i, s := range r.Statements {
		rights := s.allows(c.action, c.resource, c.context)
		for _, right := range rights {
			by = append(by, place{i, -1, right.String()})
		}
		if len(rights) == 0 {
			continue
		}
		for j, condition := range s.Conditions {
			for _, have := range c.context[condition.Key] {
				values := condition.matching(have)
				for _, v := range values {
					used[place{i, j, v}] = true
					needed[place{i, j, v}] = needed[place{i, j, v}] || len(values) == 1
				}
			}
		}
	}
	for _, p := range by {
		used[p] = true
		needed[p] = needed[p] || len(by) == 1
	}
	return len(by) > 0
}

// spare lists what could be taken away.
func (r Role) spare(needed, used map[place]bool) []Finding {
	var found []Finding
	add := func(p place, what string) {
		switch {
		case needed[p]:
		case used[p]:
			found = append(found, Finding{r.Of, Spare, what + ", as something else does"})
		default:
			found = append(found, Finding{r.Of, Spare, what + ", which no call was seen to need"})
		}
	}
	for i, s := range r.Statements {
		for _, right := range s.rights() {
			add(place{i, -1, right.String()}, right.String())
		}
		for j, c := range s.Conditions {
			if strings.HasSuffix(c.Operator, "IfExists") { // it only takes away from what calls without the key may
				continue
			}
			for _, v := range c.Values {
				add(place{i, j, v}, fmt.Sprintf("%s allows %s where %s is %s", s.Sid, strings.Join(s.Actions, ", "), c.Key, v))
			}
		}
	}
	return found
}
