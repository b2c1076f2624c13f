package stack

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"unicode"
)

// baseEnv is this process's environment without anything that could lead a
// child to a real AWS account, or through a proxy to its own machine.
func baseEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return hasAnyPrefix(kv, "AWS_", "SAM_", "MINISTACK_", "LOCALSTACK_", "NO_PROXY=", "no_proxy=")
	})
	local := strings.Join([]string{"127.0.0.1", "localhost", os.Getenv("NO_PROXY"), os.Getenv("no_proxy")}, ",")
	local = strings.TrimRight(local, ",")
	return append(env, "NO_PROXY="+local, "no_proxy="+local,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "SAM_CLI_TELEMETRY=0")
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// awsEnv leads an AWS SDK to the embedded AWS.
func (s *Stack) awsEnv() []string { return s.awsEnvAt(s.cloud.url) }

func (s *Stack) awsEnvAt(url string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + url,
		"AWS_REGION=" + s.opts.Region, "AWS_DEFAULT_REGION=" + s.opts.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	}
}

// endpoint is where functions and fleet reach AWS.
func (s *Stack) endpoint() string { return cmp.Or(s.opts.Endpoint, s.cloud.url) }

// Env is what a client of the running stack needs to know: PARLEY_URL, the
// addresses of its parts, and every output of template.yaml, its name in
// capitals (AccountsTable is ACCOUNTS_TABLE).
func (s *Stack) Env() []string {
	env := append(s.fleetEnv(), "PARLEY_URL="+s.URL(), "DATA_DIR="+s.opts.Data)
	if s.dynamoDB != "" {
		env = append(env, "DYNAMODB_URL="+s.dynamoDB)
	}
	return env
}

func (s *Stack) fleetEnv() []string {
	env := append(s.awsEnvAt(s.endpoint()),
		"VALKEY_ADDR="+loopback(s.opts.ValkeyPort),
		"FILES_ORIGIN="+s.endpoint(), // where the page sends files to and gets them from
		"ENGINE_URL=http://"+loopback(s.opts.EnginePort),
		"ENGINE_MODEL="+modelName,
		"MODELS="+s.opts.Models,
		"EDGE_SECRET="+s.secret)
	for key, value := range s.outputs {
		if key == "ApiUrl" {
			value = s.cloud.localAPI(value)
		}
		env = append(env, variable(key)+"="+value)
	}
	slices.Sort(env)
	return env
}

// variable turns CamelCase into CAMEL_CASE.
func variable(camel string) string {
	var b strings.Builder
	for i, r := range camel {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
