package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// calls puts what was seen in the templates' words, by whose role it is about.
func (rec Record) calls(roles []Role) (map[string][]call, []Finding) {
	known := map[string]string{}
	for _, r := range roles {
		for _, app := range r.Apps {
			known[app] = r.Of
		}
		known[r.Of] = r.Of
	}
	calls, strange := map[string][]call{}, map[string]bool{}
	for _, n := range rec.Needs {
		resource, named := rec.resource(n)
		if n.Signed {
			if !named { // a test signed it, for a bucket of its own
				continue
			}
			n.App = signer(n)
		}
		of := known[rec.logical(n.App)]
		if of == "" || !named {
			strange[n.text()] = true
			continue
		}
		calls[of] = append(calls[of], call{n.Action, resource, n.Context})
	}
	var found []Finding
	for _, text := range slices.Sorted(maps.Keys(strange)) {
		found = append(found, Finding{"nobody", Strange, "a call of somebody, or of something, that no template names: " + text})
	}
	return calls, found
}

// logical is what the templates call something that was deployed; else its own name.
func (rec Record) logical(name string) string {
	if id, ok := rec.Names[name]; ok {
		return id
	}
	return name
}

// signer is the function that signs URLs for a purpose. What a URL allows, its signer
// must be allowed, but nothing in a URL tells them apart here, where all have the
// same credentials: upload signs those by which files are sent, files those by which
// they are fetched. No other function signs any.
func signer(n Need) string {
	switch n.Action {
	case "s3:PutObject":
		return "upload"
	case "s3:GetObject":
		return "files"
	}
	return "nobody"
}

// resource is the ARN, in the templates' words, of what a call was about.
func (rec Record) resource(n Need) (string, bool) {
	service, _, _ := strings.Cut(n.Action, ":")
	name, key, object := strings.Cut(n.Resource, "/")
	id, named := rec.Names[name]
	if !named {
		id, named = testID(service, name)
	}
	id = kind(id)
	switch service {
	case "dynamodb":
		return arn(service, "table/"+id), named
	case "sqs":
		return arn(service, id), named
	case "s3":
		if object {
			id += "/" + key
		}
		return bucketARN + id, named
	case "kms":
		return arn(service, "key/"+id), named
	case "ses":
		return arn(service, "identity/"+n.Resource), n.Resource != unknown
	case "secretsmanager":
		return arn(service, "secret:"+id), named
	case "lambda":
		if n.Action == listAll {
			return "*", true
		}
		return arn(service, "function:"+n.Resource), n.Resource != unknown
	}
	return "", false
}

// planQueue is a queue of a plan's prompts after the first.
var planQueue = regexp.MustCompile(`^(Prompts(Free|Premium)Queue)[2-8]$`)

// kind is what stands for all that are of the same kind: a plan's prompts are spread
// over queues by chance, and who may use one may use the others.
func kind(id string) string {
	if m := planQueue.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return id
}

// testNames are the beginnings of names that tests give to things of their own which
// they run functions with, and which thing of the templates each stands for.
var testNames = map[string]map[string]string{
	"dynamodb":       {"rig-accounts-": "AccountsTable", "rig-chats-": "ChatsTable", "rig-files-": "FilesTable"},
	"s3":             {"rig-bodies-": "BodiesBucket", "rig-files-": "FilesBucket", "rig-index-": "IndexBucket", "rig-usage-": "UsageBucket", "rig-finance-": "FinanceBucket"},
	"sqs":            {"rig-free-": "PromptsFreeQueue", "rig-premium-": "PromptsPremiumQueue", "rig-dead-": "PromptsDeadQueue", "rig-purge-": "PurgeQueue", "rig-files-": "FilesQueue", "rig-index-": "IndexQueue"},
	"kms":            {"": "SigningKeysKey"}, // KMS gives names itself; no test has two
	"secretsmanager": {"rig-cdn-": "FilesCdnKey", "rig-pseudonyms-": "PseudonymSecret"},
}

func testID(service, name string) (string, bool) {
	if name == unknown {
		return "", false
	}
	for beginning, id := range testNames[service] {
		if strings.HasPrefix(name, beginning) {
			return id, true
		}
	}
	return "", false
}
