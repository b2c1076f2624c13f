package policy

import (
	"bytes"
	"fmt"
	"strings"
)

const tableHead = `# Permissions

What each function, and each program of the fleet, may ask of AWS. This page is written
from the templates by ` + "`go run ./scripts/policy -write`" + `, and a test compares it with them.

` + "`make test`" + ` holds every role to what was seen: while all tests run, a pass-through notes
each call to AWS and the rights that it needs. At the end no call may lack one, and
there may be none, an action on a resource or a value of a condition, that no call
needed. Roles are looked at with everything that the templates' conditions can give
them. Parts of a transaction count one by one; a copy counts as a read and a write; a
read that finds nothing needs ` + "`s3:ListBucket`" + `, without which S3 answers 403; what a signed
URL is used for counts for the function that signs such URLs; what Lambda does with a
function's queue counts for the function. A role may name no pattern as its resource but
objects in a folder. What remains all the same, and why, is a list in
` + "`scripts/internal/policy/exception.go`" + `, of which nothing may be idle.

A condition's key stands behind the resource: ` + "`leading keys`" + ` are the beginnings of the
rows that may be touched.
`

// Table is docs/permissions.md.
func Table(roles []Role) []byte {
	var b bytes.Buffer
	b.WriteString(tableHead)
	for _, role := range roles {
		if len(role.Apps) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| for | may | on | where |\n|---|---|---|---|\n", strings.Join(role.Apps, ", "))
		for _, s := range role.Statements {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.Sid, codes(s.Actions, ""), codes(s.Resources, "arn:aws:"), where(s.Conditions))
		}
	}
	return b.Bytes()
}

// codes lists texts, without what all of them begin with.
func codes(all []string, without string) string {
	var shown []string
	for _, text := range all {
		text = strings.TrimPrefix(text, without)
		text = strings.Replace(text, ":"+region+":"+account+":", ":", 1)
		shown = append(shown, "`"+strings.Replace(text, "s3:::", "s3:", 1)+"`")
	}
	return strings.Join(shown, ", ")
}

func where(conditions []Condition) string {
	var all []string
	for _, c := range conditions {
		key := strings.NewReplacer(leadingKeys, "leading keys", keyPurpose, "encryption context ", listPrefix, "prefix", fromAddress, "sender").Replace(c.Key)
		all = append(all, key+" "+codes(c.Values, ""))
	}
	return strings.Join(all, "; ")
}
